import { GatewayError } from '../errors.ts'
import { checkResponse } from '../http2/header-check.ts'
import { Pulse, type PulseSubject } from '../http2/pulse.ts'
import type { SocketContext } from '../http2/web-socket.ts'
import { headerOf } from '../transfer/request-record.ts'
import type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from '../web-socket/port.ts'
import type { UwsExchange } from './exchange.ts'
import { headSize, writeHead } from './head.ts'
import { afterTurn, currentTurn, fitsCork, takeCork } from './turn.ts'
import type {
  Uws,
  UwsSocket,
  UwsSocketBehavior,
  UwsSocketContext,
  UwsUpgradeHandler,
} from './types.ts'

/** Bytes kept for a slow client before `send` says so. */
const HIGH_WATER = 65_536
/** Bytes in front of a frame from a server. */
const MAX_FRAME_HEAD = 10
/** Messages below this size are not worth compressing, in bytes. */
const DEFLATE_FROM = 1_024
/**
 * Bytes of messages kept while nobody takes them, beside the last one: the library cannot be told
 * to stop reading. More ends the connection with {@link TRY_AGAIN}.
 */
const MAX_HELD = 1_048_576
/** What a message costs beside its bytes: empty ones are not free. */
const MESSAGE_COST = 64
// RFC 6455 §7.4.1 and the IANA registry of close codes.
const GOING_AWAY = 1001
const TOO_BIG = 1009
const TRY_AGAIN = 1013
const ABNORMAL = 1006
const decoder = new TextDecoder()

/** How the library is to treat WebSockets. */
export function socketBehavior(
  uws: Uws,
  maxMessage: number,
  upgrade: UwsUpgradeHandler,
): UwsSocketBehavior {
  return {
    maxPayloadLength: maxMessage,
    // Both are for all routes alike, and the first aborts the process above 960: see PulseWatch.
    idleTimeout: 0,
    sendPingsAutomatically: false,
    // Otherwise messages to slow clients are dropped; `send` tells of them here.
    maxBackpressure: 0,
    compression: uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR,
    upgrade,
    open: (native) => linkOf(native).opened(native),
    message: (native, data, binary) => linkOf(native).received(data, binary),
    drain: (native) => linkOf(native).drained(),
    ping: (native) => linkOf(native).heard(),
    pong: (native) => linkOf(native).heard(),
    close: (native, code, reason) => linkOf(native).closed(code, decoder.decode(reason)),
  }
}

const linkOf = (native: UwsSocket): UwsWebSocket => native.getUserData().link

interface Upgrading {
  readonly exchange: UwsExchange
  /** Of the library, for this request. */
  readonly native: UwsSocketContext
  readonly context: SocketContext
}

/** Makes the connection of an exchange a WebSocket. */
export function upgradeExchange(
  { exchange, native, context }: Upgrading,
  options: UpgradeOptions,
  events: WebSocketEvents,
): UwsWebSocket {
  const size = headSize(checkResponse(200, options.headers))
  if (!fitsCork(size)) throw new GatewayError('FLATEND_GATEWAY_STATE', 'too many headers')
  const { headers } = exchange
  const key = headerOf(headers, 'sec-websocket-key') ?? ''
  const extensions = options.deflate ? (headerOf(headers, 'sec-websocket-extensions') ?? '') : ''
  const link = new UwsWebSocket({ options, events }, context)
  const response = exchange.leave()
  // Not inside a cork of ours: that looks, once it ends, at memory the socket has moved away from, and
  // now and then takes what it finds there for a reason to close.
  writeHead(response, { status: 101, headers: options.headers, size, close: false })
  response.upgrade({ link }, key, options.protocol ?? '', extensions, native)
  return link
}

interface Kept {
  readonly data: Uint8Array
  readonly binary: boolean
}

/** One WebSocket of uWebSockets.js. */
export class UwsWebSocket implements ServerWebSocket, PulseSubject {
  readonly #options: UpgradeOptions
  readonly #events: WebSocketEvents
  readonly #context: SocketContext
  readonly #pulse: Pulse
  #native: UwsSocket | undefined
  /** What came while nobody wanted it. */
  #held: Kept[] = []
  #heldBytes = 0
  #paused = false
  /** The turn something arrived in: the socket may be corked. */
  #turn = currentTurn()
  /** What waits for that turn to be over. */
  #queue: Kept[] | undefined
  #queued = 0
  #blocked = false
  #gaveUp = false
  #end: { readonly code: number; readonly reason: string } | undefined

  constructor(
    { options, events }: { readonly options: UpgradeOptions; readonly events: WebSocketEvents },
    context: SocketContext,
  ) {
    this.#options = options
    this.#events = events
    this.#context = context
    this.#pulse = new Pulse(this, options)
  }

  get pending(): number {
    return this.#queued + (this.#native?.getBufferedAmount() ?? 0)
  }

  send(data: Uint8Array, binary: boolean): boolean {
    if (this.#native === undefined || this.#end !== undefined) return true
    this.#pulse.said()
    if (this.#waits(data.length)) this.#put({ data, binary })
    else this.#write(data, binary)
    this.#blocked = this.pending >= HIGH_WATER
    return !this.#blocked
  }

  pause(): void {
    this.#paused = true
    this.#pulse.deaf = true
  }

  resume(): void {
    this.#paused = false
    if (this.#pulse.deaf) this.#pulse.heard()
    this.#pulse.deaf = false
    while (!this.#paused) {
      const kept = this.#held.shift()
      if (kept === undefined) break
      this.#heldBytes -= kept.data.length + MESSAGE_COST
      this.#events.message(kept.data, kept.binary)
    }
  }

  close(code: number, reason: string): void {
    if (this.#native === undefined || this.#end !== undefined) return
    this.#end = { code, reason }
    if (this.#queue === undefined) this.#finish()
  }

  terminate(): void {
    this.#native?.close()
  }

  ping(): void {
    this.#native?.ping()
  }

  idle(): void {
    this.close(GOING_AWAY, 'idle')
  }

  dead(): void {
    this.terminate()
  }

  opened(native: UwsSocket): void {
    this.#native = native
    this.#context.pulses.begin(this.#pulse)
  }

  heard(): void {
    this.#pulse.heard()
  }

  received(buffer: ArrayBuffer, binary: boolean): void {
    this.#turn = currentTurn()
    this.#pulse.heard()
    this.#pulse.said()
    if (this.#end !== undefined) return
    const { byteLength } = buffer
    if (byteLength > this.#options.maxMessage) {
      this.#giveUp(TOO_BIG, 'the message is too large')
      return
    }
    // The memory is the parser's: it is taken back when this callback returns.
    const data = new Uint8Array(buffer.slice(0))
    if (!this.#paused) this.#events.message(data, binary)
    else if (this.#heldBytes > MAX_HELD) this.#giveUp(TRY_AGAIN, 'the service is slower than you')
    else {
      this.#held.push({ data, binary })
      this.#heldBytes += byteLength + MESSAGE_COST
    }
  }

  /**
   * The socket took something. What is sent from within the library's event can stay behind: it does
   * not ask the system again whether the socket takes more.
   */
  drained(): void {
    if (!this.#blocked || this.pending >= HIGH_WATER) return
    this.#blocked = false
    afterTurn(() => {
      if (this.#native !== undefined) this.#events.drain()
    })
  }

  closed(given: number, reason: string): void {
    // Where we had to give up, the client did not close: it is as good as gone.
    const code = this.#gaveUp ? ABNORMAL : given
    this.#native = undefined
    this.#queue = undefined
    this.#context.pulses.end(this.#pulse)
    this.#context.socketClosed(this)
    // What the client said before it closed is told first; it cannot be asked to wait any more.
    this.#paused = false
    if (code !== ABNORMAL) this.resume()
    this.#held = []
    this.#events.close(code, reason)
  }

  /** Whether a message of so many bytes has to wait, for others or for the end of the turn. */
  #waits(bytes: number): boolean {
    if (this.#queue !== undefined) return true
    return this.#turn === currentTurn() && !takeCork(bytes + MAX_FRAME_HEAD)
  }

  #giveUp(code: number, reason: string): void {
    this.#gaveUp = true
    this.close(code, reason)
  }

  #put(kept: Kept): void {
    this.#queued += kept.data.length
    if (this.#queue !== undefined) {
      this.#queue.push(kept)
      return
    }
    this.#queue = [kept]
    afterTurn(() => this.#flush())
  }

  #flush(): void {
    const queue = this.#queue ?? []
    const bytes = this.#queued
    this.#queue = undefined
    this.#queued = 0
    const native = this.#native
    if (native === undefined) return
    const write = (): void => {
      for (const { data, binary } of queue) this.#write(data, binary)
    }
    if (queue.length > 1 && fitsCork(bytes + queue.length * MAX_FRAME_HEAD)) native.cork(write)
    else write()
    if (this.#end !== undefined) this.#finish()
    else this.drained()
  }

  #write(data: Uint8Array, binary: boolean): void {
    const compress = this.#options.deflate && data.length >= DEFLATE_FROM
    this.#native?.send(data, binary, compress)
  }

  #finish(): void {
    const end = this.#end
    if (end !== undefined) this.#native?.end(end.code, end.reason)
  }
}
