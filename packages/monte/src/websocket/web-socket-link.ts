import type { Address, Link, LinkReceiver } from '../ports.ts'
import { frames } from './frames.ts'
import { type Arrival, Inbox } from './inbox.ts'
import { CLOSE, OPEN, type WebSocketEvent, type WebSocketLike } from './web-socket.ts'
import { closedWith, notOurs } from './web-socket-error.ts'

declare function setTimeout(task: () => void, delayMs: number): unknown

/** Bounds of a link over a WebSocket. */
export interface WebSocketLimits {
  /** Bytes of a message the peer sends; more closes with code 4009. @default 1_048_576 */
  readonly maxMessage?: number
  /** Bytes that wait to be sent from which on `write` gives false. @default 65_536 */
  readonly highWaterMark?: number
  /**
   * Bytes that are kept while the link is paused. A browser's WebSocket cannot be stopped: more
   * than that closes it. @default 8_388_608
   */
  readonly maxPaused?: number
}

const DEFAULTS = { maxMessage: 1_048_576, highWaterMark: 65_536, maxPaused: 8_388_608 }
/** A WebSocket does not tell when it has sent everything: it is asked, ever more seldom. */
const ASK_FIRST = 1
const ASK_LAST = 50
/** Ends a direction: a WebSocket itself ends only both. Bytes are never sent in empty messages. */
const END_OF_DIRECTION = new Uint8Array(0)

/** An open WebSocket as a {@link Link}: binary messages are the bytes, cut anywhere. */
export class WebSocketLink implements Link {
  readonly remote: Address | undefined
  readonly #socket: WebSocketLike
  readonly #limits: Required<WebSocketLimits>
  readonly #inbox = new Inbox()
  #receiver: LinkReceiver | undefined
  #paused = true
  #delivering = false
  #asking = false
  /** We ended our direction, and the peer its own. */
  #ended = false
  #sawEnd = false
  /** The WebSocket is gone; onClose comes once what arrived is handed on. */
  #gone: { readonly error: Error | undefined } | undefined
  /** Nothing more is told or taken. */
  #closed = false

  constructor(socket: WebSocketLike, remote: Address | undefined, limits: WebSocketLimits = {}) {
    this.#socket = socket
    this.remote = remote
    this.#limits = { ...DEFAULTS, ...limits }
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => this.#onMessage(data))
    socket.addEventListener('close', (event) => this.#onSocketClose(event))
    // What went wrong follows as the code of the close.
    socket.addEventListener('error', () => undefined)
    socket.pause?.()
  }

  attach(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.#paused = false
    // Not from within the call; whoever pauses until then means it.
    setTimeout(() => {
      if (!this.#paused) this.resume()
    }, 0)
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (this.#ended || this.#closed || socket.readyState !== OPEN) return false
    for (const frame of frames(chunks)) socket.send(frame as Uint8Array<ArrayBuffer>)
    if (socket.bufferedAmount < this.#limits.highWaterMark) return true
    if (!this.#asking) this.#askAgain(ASK_FIRST)
    return false
  }

  end(): void {
    if (this.#ended || this.#closed) return
    this.#ended = true
    if (this.#socket.readyState === OPEN) this.#socket.send(END_OF_DIRECTION)
    this.#maybeClose()
  }

  destroy(): void {
    if (this.#closed) return
    this.#cut(undefined, CLOSE.cut)
  }

  pause(): void {
    this.#paused = true
    if (this.#socket.readyState === OPEN) this.#socket.pause?.()
  }

  resume(): void {
    this.#paused = false
    this.#socket.resume?.()
    this.#deliver()
  }

  // --- sending ---

  #askAgain(delayMs: number): void {
    this.#asking = true
    setTimeout(() => {
      if (this.#closed || this.#gone) return
      if (this.#socket.bufferedAmount > 0) {
        this.#askAgain(Math.min(2 * delayMs, ASK_LAST))
        return
      }
      this.#asking = false
      this.#receiver?.onDrain()
    }, delayMs)
  }

  // --- receiving ---

  #onMessage(data: unknown): void {
    if (this.#closed || this.#sawEnd) return
    if (!(data instanceof ArrayBuffer)) {
      this.#cut(
        notOurs('the peer sent a text message, only binary ones are bytes'),
        CLOSE.unsupported,
      )
      return
    }
    if (data.byteLength > this.#limits.maxMessage) {
      const text = `the peer sent a message of ${data.byteLength} bytes, at most ${this.#limits.maxMessage} are taken`
      this.#cut(notOurs(text), CLOSE.tooLarge)
      return
    }
    this.#arrived(data.byteLength === 0 ? 'end' : new Uint8Array(data))
  }

  #arrived(arrival: Arrival): void {
    if (arrival === 'end') this.#sawEnd = true
    this.#inbox.push(arrival)
    this.#deliver()
    if (this.#inbox.bytes <= this.#limits.maxPaused) return
    const text = `${this.#inbox.bytes} bytes came while nobody read, at most ${this.#limits.maxPaused} are kept`
    this.#cut(notOurs(text), CLOSE.tooLarge)
  }

  /** Hands on what waits, in order; the receiver may pause or destroy in between. */
  #deliver(): void {
    const receiver = this.#receiver
    if (!receiver || this.#delivering) return
    this.#delivering = true
    try {
      while (!this.#paused && !this.#closed) {
        const arrival = this.#inbox.shift()
        if (arrival === undefined) break
        if (arrival === 'end') receiver.onEnd()
        else receiver.onData(arrival)
      }
    } finally {
      this.#delivering = false
    }
    if (this.#paused || this.#closed) return
    this.#maybeClose()
    if (this.#gone) this.#tellClosed(this.#gone.error)
  }

  // --- the end ---

  /** Both directions are ended. */
  #maybeClose(): void {
    if (!this.#ended || !this.#sawEnd || this.#inbox.bytes > 0) return
    if (this.#socket.readyState === OPEN) this.#socket.close(CLOSE.normal)
  }

  #onSocketClose({ code = CLOSE.none, reason = '' }: WebSocketEvent): void {
    if (this.#closed || this.#gone) return
    const orderly = code === CLOSE.normal || code === CLOSE.none || code === CLOSE.away
    this.#gone = { error: orderly ? undefined : closedWith(code, reason) }
    if (orderly && !this.#sawEnd) this.#arrived('end')
    else this.#deliver()
  }

  /** Ends both directions now; the receiver hears of it, but not from within a call. */
  #cut(error: Error | undefined, code: number): void {
    const socket = this.#socket
    this.#closed = true
    this.#inbox.clear()
    if (error || !socket.terminate) socket.close(code)
    else socket.terminate()
    socket.resume?.()
    setTimeout(() => this.#receiver?.onClose(error), 0)
  }

  #tellClosed(error: Error | undefined): void {
    this.#closed = true
    this.#receiver?.onClose(error)
  }
}
