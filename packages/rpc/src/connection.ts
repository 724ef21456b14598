import {
  LocalProtocolError,
  MAX_DATA,
  MAX_LEGACY_DATA,
  type Reader,
  RemoteProtocolError,
} from '@flatend/wire'
import type { CallHandle, CallSink, Dispatch } from './call.ts'
import {
  DATA,
  type Fields,
  GOAWAY,
  IDEMPOTENT_FIELD,
  RESET_STREAM,
  readHeaders,
  readServices,
  SERVICE_REQUEST,
  SERVICE_RESPONSE,
  STATUS_FIELD,
  TIMEOUT_FIELD,
  WINDOW,
  writeHeaders,
  writeServices,
} from './codec.ts'
import { ConnectionCredit } from './connection-credit.ts'
import { Deadlines } from './deadlines.ts'
import { CallError, RESET } from './errors.ts'
import { type IncomingOwner, IncomingStream } from './incoming.ts'
import { DEFAULT_RPC_LIMITS, type RpcLimits } from './limits.ts'
import { OutgoingStream } from './outgoing.ts'
import type { CallRequest, Channel, Clock, HeaderList } from './ports.ts'
import { RateLimit } from './rate-limit.ts'
import type { Stream } from './stream.ts'

/** Names the whole connection in a WINDOW. */
const CONNECTION = 0xffff_ffff
/** Ids of our v1 streams begin here, away from what either 2020 SDK uses (protocol §1). */
const FIRST_LEGACY_ID = 2 ** 30
const LAST_ID = 0xffff_fff0
/** Reasons are for people: cut to what a RESET or GOAWAY takes. */
const MAX_REASON = 500

/** Options of {@link createConnection}. */
export interface ConnectionOptions {
  readonly channel: Channel
  /** Runs the calls the peer makes. */
  readonly dispatch: Dispatch
  /** Whether this node offers a service. */
  readonly offers: (service: string) => boolean
  readonly clock: Clock
  readonly limits?: Partial<RpcLimits>
  /** Handed to every {@link IncomingCall}: who calls. */
  readonly peer?: unknown
}

/** The streams of one connection. */
export interface Connection {
  /** Calls under way that this side made. */
  readonly load: number
  /** False once no new call can be made here. */
  readonly accepting: boolean
  /** Whether no call is under way in either direction. */
  readonly idle: boolean
  /** Called whenever the last call ends. */
  onIdle: (() => void) | undefined
  /** Starts a call. @throws LocalProtocolError where the request cannot be said */
  open(request: CallRequest, sink: CallSink): CallHandle
  /**
   * A message of the peer. Returns false where its opcode is not of this layer.
   * @throws RemoteProtocolError where the peer broke the rules: end the connection
   */
  receive(opcode: number, body: Reader): boolean
  /** The channel is writable again. */
  onDrain(): void
  /** The channel is gone: every call fails. */
  closed(error?: Error): void
  /** Takes no more calls; those under way go on. */
  goAway(reason?: string): void
}

export function createConnection(options: ConnectionOptions): Connection {
  return new StreamConnection(options)
}

class StreamConnection implements Connection, IncomingOwner {
  readonly v2: boolean
  readonly peer: unknown
  onIdle: (() => void) | undefined
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #dispatch: Dispatch
  readonly #offers: (service: string) => boolean
  readonly #limits: RpcLimits
  readonly #outgoing = new Map<number, OutgoingStream>()
  readonly #incoming = new Map<number, IncomingStream>()
  readonly #waiting = new Set<Stream>()
  readonly #deadlines: Deadlines
  readonly #credit: ConnectionCredit
  readonly #resets: RateLimit
  #nextId: number
  #lastIncoming = -1
  #goingAway = false
  #peerGoingAway = false
  #closed = false

  constructor({ channel, dispatch, offers, clock, limits, peer }: ConnectionOptions) {
    this.#channel = channel
    this.v2 = channel.version === 2
    this.peer = peer
    this.#dispatch = dispatch
    this.#offers = offers
    this.#clock = clock
    this.#limits = { ...DEFAULT_RPC_LIMITS, ...limits }
    this.#deadlines = new Deadlines(clock)
    this.#credit = new ConnectionCredit(channel, this.#limits)
    this.#resets = new RateLimit(clock, this.#limits.resetBurst, this.#limits.resetsPerSecond)
    this.#nextId = (this.v2 ? 0 : FIRST_LEGACY_ID) + (channel.dialer ? 1 : 2)
  }

  get load(): number {
    return this.#outgoing.size
  }

  get accepting(): boolean {
    return !this.#closed && !this.#peerGoingAway && !this.#goingAway && this.#nextId < LAST_ID
  }

  get idle(): boolean {
    return this.#outgoing.size === 0 && this.#incoming.size === 0
  }

  get writable(): boolean {
    return this.#channel.writable
  }

  now(): number {
    return this.#clock.now()
  }

  open(request: CallRequest, sink: CallSink): CallHandle {
    if (!this.accepting)
      throw new CallError('shutting-down', 'this connection takes no more calls', {
        nothingRan: true,
      })
    const timeoutMs = request.timeoutMs ?? this.#limits.timeoutMs
    const id = this.#nextId
    this.#sendRequest(id, request, timeoutMs)
    this.#nextId += 2
    const credit = this.v2 ? this.#limits.streamCredit : Number.POSITIVE_INFINITY
    const stream = new OutgoingStream(this, { id, credit, deadline: this.now() + timeoutMs }, sink)
    this.#outgoing.set(id, stream)
    this.#deadlines.add(stream)
    return stream
  }

  receive(opcode: number, body: Reader): boolean {
    switch (opcode) {
      case DATA:
        this.#onData(body)
        return true
      case SERVICE_REQUEST:
        this.#onRequest(body)
        return true
      case SERVICE_RESPONSE:
        this.#onResponse(body)
        return true
      case WINDOW:
        if (this.v2) this.#onWindow(body)
        return this.v2
      case RESET_STREAM:
        if (this.v2) this.#onReset(body)
        return this.v2
      case GOAWAY:
        if (this.v2) this.#onGoAway(body)
        return this.v2
      default:
        return false
    }
  }

  onDrain(): void {
    for (const stream of this.#waiting) if (!stream.resume()) this.#waiting.delete(stream)
  }

  closed(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#deadlines.clear()
    this.#waiting.clear()
    const cause = error ? { cause: error } : {}
    const message = `the connection ended: ${error?.message ?? 'the peer closed it'}`
    for (const stream of [...this.#outgoing.values(), ...this.#incoming.values()]) {
      stream.kill(new CallError('disconnected', message, cause))
    }
  }

  goAway(reason = ''): void {
    if (this.#goingAway || this.#closed) return
    this.#goingAway = true
    if (!this.v2) return
    const last = Math.max(0, this.#lastIncoming)
    this.#channel
      .begin(0, GOAWAY)
      .u16(RESET.shuttingDown)
      .u32(last)
      .text16(reason.slice(0, MAX_REASON))
    this.#channel.end()
  }

  // --- What streams ask of their connection. ---

  sendData(stream: Stream, chunk: Uint8Array, offset: number): number {
    const most = this.v2 ? MAX_DATA : MAX_LEGACY_DATA
    let at = offset
    while (at < chunk.length) {
      const length = Math.min(chunk.length - at, most, stream.sendCredit, this.#credit.send)
      if (length <= 0) break
      const piece = length === chunk.length ? chunk : chunk.subarray(at, at + length)
      this.#channel.begin(0, DATA).u32(stream.id).u16(length)
      this.#channel.end(piece)
      stream.sendCredit -= length
      this.#credit.send -= length
      at += length
    }
    return at - offset
  }

  sendEnd(stream: Stream): void {
    if (this.#closed) return
    this.#channel.begin(0, DATA).u32(stream.id).u16(0)
    this.#channel.end()
  }

  sendReset(stream: Stream, code: number, reason: string): void {
    if (this.#closed) return
    this.#channel
      .begin(0, RESET_STREAM)
      .u32(stream.id)
      .u16(code)
      .text16(reason.slice(0, MAX_REASON))
    this.#channel.end()
  }

  sendResponse(stream: Stream, status: number, headers: HeaderList): void {
    if (this.#closed) return
    const fields: Fields = this.v2 && status !== 200 ? [[STATUS_FIELD, String(status)]] : []
    this.#encode(SERVICE_RESPONSE, (writer) => {
      writer.u32(stream.id).u8(1)
      writeHeaders(writer, headers, { fields, limits: this.#limits })
    })
  }

  wait(stream: Stream): void {
    this.#waiting.add(stream)
  }

  consumed(stream: Stream, bytes: number): void {
    if (this.#closed) return
    this.#credit.consumed(bytes)
    if (!this.v2 || !stream.receiving) return
    stream.unacknowledged += bytes
    if (stream.unacknowledged * 4 < this.#limits.streamCredit) return
    this.#credit.sendWindow(stream.id, stream.unacknowledged)
    stream.receiveCredit += stream.unacknowledged
    stream.unacknowledged = 0
  }

  forget(stream: Stream): void {
    const map = stream instanceof OutgoingStream ? this.#outgoing : this.#incoming
    if (!map.delete(stream.id)) return
    this.#waiting.delete(stream)
    stream.deadline = Number.POSITIVE_INFINITY
    this.#deadlines.ended()
    if (this.idle) this.onIdle?.()
  }

  // --- Messages of the peer. ---

  #onRequest(body: Reader): void {
    const lossy = !this.v2
    const id = body.u32()
    const services = readServices(body, lossy)
    const { headers, timeoutMs, idempotent } = readHeaders(body, this.#limits, lossy)
    body.expectEnd()
    this.#expectNewId(id)
    const service = services.find(this.#offers)
    if (this.#refused(id, service)) return
    const credit = this.v2 ? this.#limits.streamCredit : Number.POSITIVE_INFINITY
    const deadline = this.now() + (timeoutMs ?? this.#limits.timeoutMs)
    const stream = new IncomingStream(this, {
      id,
      credit,
      deadline,
      service: service as string,
      headers,
      idempotent,
    })
    this.#incoming.set(id, stream)
    this.#deadlines.add(stream)
    this.#dispatch(stream)
  }

  #expectNewId(id: number): void {
    if (!this.v2) {
      if (!this.#incoming.has(id)) return
      throw new RemoteProtocolError('FLATEND_RPC_STREAM_ID', `stream ${id} is open already`)
    }
    const theirs = (id % 2 === 1) !== this.#channel.dialer
    if (!theirs || id <= this.#lastIncoming || id === CONNECTION) {
      throw new RemoteProtocolError(
        'FLATEND_RPC_STREAM_ID',
        `stream ${id} after ${this.#lastIncoming}: ids rise, odd from the dialer, even from the listener`,
      )
    }
    this.#lastIncoming = id
  }

  /** Answers what cannot run here; nothing ran then. */
  #refused(id: number, service: string | undefined): boolean {
    let code: number | undefined
    if (this.#goingAway) code = RESET.shuttingDown
    else if (service === undefined) code = RESET.notFound
    else if (this.#incoming.size >= this.#limits.maxStreams) code = RESET.refused
    if (code === undefined) return false
    if (this.v2) this.#channel.begin(0, RESET_STREAM).u32(id).u16(code).u16(0)
    else this.#channel.begin(0, SERVICE_RESPONSE).u32(id).u8(0).u16(0)
    this.#channel.end()
    return true
  }

  #onResponse(body: Reader): void {
    const id = body.u32()
    const handled = body.u8() !== 0
    const received = readHeaders(body, this.#limits, !this.v2)
    body.expectEnd()
    const stream = this.#outgoing.get(id)
    if (stream) stream.receiveResponse(handled, received)
    else this.#expectKnown(id)
  }

  #onData(body: Reader): void {
    const id = body.u32()
    const bytes = body.lp16()
    body.expectEnd()
    const stream = this.#find(id)
    this.#credit.received(bytes.length)
    if (!stream) {
      // Crossed our RESET on the way: nobody reads it, its credit goes back at once.
      this.#expectKnown(id)
      this.#credit.consumed(bytes.length)
      return
    }
    if (this.v2) {
      stream.receiveCredit -= bytes.length
      if (stream.receiveCredit < 0) throw flowControl(`stream ${id}`)
      this.#countTiny(stream, bytes.length)
    }
    stream.receiveData(bytes)
  }

  #countTiny(stream: Stream, length: number): void {
    stream.tinyData = length > 0 && length < 16 ? stream.tinyData + 1 : 0
    if (stream.tinyData > this.#limits.maxTinyData) {
      throw new RemoteProtocolError(
        'FLATEND_RPC_TINY_DATA',
        `${stream.tinyData} tiny pieces of data in a row on stream ${stream.id}`,
      )
    }
  }

  #onWindow(body: Reader): void {
    const id = body.u32()
    const bytes = body.u32()
    body.expectEnd()
    if (id === CONNECTION) {
      this.#credit.add(bytes)
      this.onDrain()
      return
    }
    const stream = this.#find(id)
    if (!stream) {
      this.#expectKnown(id)
      return
    }
    stream.sendCredit += bytes
    if (stream.sendCredit > this.#limits.streamCredit) throw flowControl(`stream ${id}`)
    if (this.#waiting.has(stream) && !stream.resume()) this.#waiting.delete(stream)
  }

  #onReset(body: Reader): void {
    const id = body.u32()
    const code = body.u16()
    const reason = body.text16(true)
    body.expectEnd()
    if (!this.#resets.take()) {
      throw new RemoteProtocolError('FLATEND_RPC_RESET_FLOOD', 'the peer resets streams too fast')
    }
    const stream = this.#find(id)
    if (stream) stream.receiveReset(code, reason)
    else this.#expectKnown(id)
  }

  #onGoAway(body: Reader): void {
    body.u16()
    const last = body.u32()
    const reason = body.text16(true)
    body.expectEnd()
    this.#peerGoingAway = true
    for (const stream of [...this.#outgoing.values()]) {
      if (stream.id > last)
        stream.kill(
          new CallError('shutting-down', reason || 'the provider is shutting down', {
            nothingRan: true,
          }),
        )
    }
  }

  #find(id: number): OutgoingStream | IncomingStream | undefined {
    // v1 ids of the two directions may collide: what names a stream of ours is ours (protocol §1).
    return this.#outgoing.get(id) ?? this.#incoming.get(id)
  }

  /** A stream that is gone is named rightly for a while; one that never was, never is. */
  #expectKnown(id: number): void {
    if (!this.v2) return
    const ours = (id % 2 === 1) === this.#channel.dialer
    if (ours ? id < this.#nextId : id <= this.#lastIncoming) return
    throw new RemoteProtocolError('FLATEND_RPC_UNKNOWN_STREAM', `stream ${id} was never opened`)
  }

  #sendRequest(id: number, request: CallRequest, timeoutMs: number): void {
    const fields: [string, string][] = []
    if (this.v2) {
      fields.push([TIMEOUT_FIELD, String(Math.max(0, Math.ceil(timeoutMs)))])
      if (request.idempotent === true) fields.push([IDEMPOTENT_FIELD, '1'])
    }
    this.#encode(SERVICE_REQUEST, (writer) => {
      writer.u32(id)
      writeServices(writer, request.services)
      writeHeaders(writer, request.headers, { fields, limits: this.#limits })
    })
  }

  #encode(opcode: number, write: (writer: ReturnType<Channel['begin']>) => void): void {
    const writer = this.#channel.begin(0, opcode)
    try {
      write(writer)
      this.#channel.end()
    } catch (error) {
      this.#channel.abort()
      if (error instanceof LocalProtocolError)
        throw new CallError('too-large', error.message, {
          cause: error,
          expose: true,
          nothingRan: true,
        })
      throw error
    }
  }
}

function flowControl(what: string): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    `the peer sent more than its credit on ${what}`,
  )
}
