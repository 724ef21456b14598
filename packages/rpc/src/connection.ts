import {
  LocalProtocolError,
  type Reader,
  RemoteProtocolError,
  type TokenBucket,
} from '@flatend/wire'
import { type Authorize, denialOf } from './authorize.ts'
import type { CallHandle, CallSink, Dispatch } from './call.ts'
import { CancelPacer } from './cancel-pacer.ts'
import { MAX_TIMEOUT_MS, type ReceivedHeaders } from './codec.ts'
import { ConnectionCredit } from './connection-credit.ts'
import { Deadlines } from './deadlines.ts'
import { CallError, RESET } from './errors.ts'
import { type IncomingOwner, IncomingStream } from './incoming.ts'
import { DEFAULT_RPC_LIMITS, type RpcLimits } from './limits.ts'
import { MessageReceiver, type ReceiverOwner } from './message-receiver.ts'
import { MessageSender } from './message-sender.ts'
import { OutgoingStream } from './outgoing.ts'
import type { CallRequest, Channel, Clock, HeaderList } from './ports.ts'
import { createStats, type RpcStats } from './stats.ts'
import type { Stream } from './stream.ts'
import { StreamTable } from './stream-table.ts'
import { TinyHold } from './tiny-hold.ts'

/** Options of {@link createConnection}. */
export interface ConnectionOptions {
  readonly channel: Channel
  /** Runs the calls the peer makes. */
  readonly dispatch: Dispatch
  /** Whether this node offers a service. */
  readonly offers: (service: string) => boolean
  readonly clock: Clock
  readonly limits?: Partial<RpcLimits>
  /** Handed to every {@link IncomingCall} and to `authorize`: who calls. */
  readonly peer?: unknown
  /** Whether the peer may call a service this node offers; else RESET 7. @default any may */
  readonly authorize?: Authorize
  /** Counters to add to; one object may serve many connections. @default an own one */
  readonly stats?: RpcStats
  /** Stream ids taken as used already, for tests of what happens at the last one. @default 0 */
  readonly skippedStreams?: number
}

/** The streams of one connection. */
export interface Connection {
  /** Calls under way that this side made. */
  readonly load: number
  /** Calls under way in both directions. */
  readonly streams: number
  /** False once no new call can be made here. */
  readonly accepting: boolean
  /** Whether no call is under way in either direction. */
  readonly idle: boolean
  /** Whatever the connection was made with. */
  readonly peer: unknown
  readonly stats: Readonly<RpcStats>
  /** Called whenever the last call ends. */
  onIdle: (() => void) | undefined
  /**
   * Called once when `accepting` turns false though nobody here said so: the peer goes away, or the
   * ids of our streams are used up. What runs goes on; it is time for another connection.
   */
  onRetire: (() => void) | undefined
  /**
   * Starts a call.
   * @throws CallError `shutting-down` where no call can be made here, `too-large` where the request
   * is too large to be sent
   * @throws LocalProtocolError where the request cannot be said at all
   */
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
  /**
   * Takes no more calls: those the peer makes from now on are told so, and can go elsewhere. Calls
   * under way go on, and this side may make others.
   */
  refuse(): void
  /** Takes no more calls, says so, and makes none; those under way go on. */
  goAway(reason?: string): void
}

/** Calls in both directions over one channel. */
export function createConnection(options: ConnectionOptions): Connection {
  return new StreamConnection(options)
}

class StreamConnection implements Connection, IncomingOwner, ReceiverOwner {
  readonly v2: boolean
  readonly peer: unknown
  readonly stats: RpcStats
  crossings = 0
  onIdle: (() => void) | undefined
  onRetire: (() => void) | undefined
  readonly #options: ConnectionOptions
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #limits: RpcLimits
  readonly #table: StreamTable
  readonly #sender: MessageSender
  readonly #receiver: MessageReceiver
  readonly #credit: ConnectionCredit
  readonly #deadlines: Deadlines
  readonly #tiny: TinyHold
  readonly #cancels: CancelPacer
  /** Credit of a new stream: v1 has none to give. */
  readonly #streamCredit: number
  #refusing = false
  #goingAway = false
  #peerGoingAway = false
  #closed = false

  constructor(options: ConnectionOptions) {
    const { channel, clock, limits, peer, stats = createStats(), skippedStreams } = options
    this.#options = options
    this.#channel = channel
    this.#clock = clock
    this.v2 = channel.version === 2
    this.peer = peer
    this.stats = stats
    this.#limits = { ...DEFAULT_RPC_LIMITS, ...limits }
    this.#streamCredit = this.v2 ? this.#limits.streamCredit : Number.POSITIVE_INFINITY
    this.#table = new StreamTable(channel, skippedStreams)
    this.#sender = new MessageSender(channel, this.#limits)
    this.#credit = new ConnectionCredit(channel, this.#sender, this.#limits)
    this.#deadlines = new Deadlines(clock)
    this.#tiny = new TinyHold(clock, this.#limits.maxTinyData)
    this.#cancels = new CancelPacer(clock, this.#sender, this.#limits)
    this.#receiver = new MessageReceiver(this, {
      table: this.#table,
      credit: this.#credit,
      limits: this.#limits,
      clock,
    })
  }

  get load(): number {
    return this.#table.outgoing.size
  }

  get streams(): number {
    return this.#table.outgoing.size + this.#table.incoming.size
  }

  get accepting(): boolean {
    return !this.#closed && !this.#peerGoingAway && !this.#goingAway && !this.#table.exhausted
  }

  get idle(): boolean {
    return this.#table.idle
  }

  get writable(): boolean {
    return this.#channel.writable
  }

  now(): number {
    return this.#clock.now()
  }

  open(request: CallRequest, sink: CallSink): CallHandle {
    if (!this.accepting) throw noMoreCalls(this.#closed)
    const timeoutMs = checkTimeout(request.timeoutMs ?? this.#limits.timeoutMs)
    const id = this.#table.nextId
    this.#sender.request(id, request, timeoutMs)
    this.#table.nextId += 2
    this.stats.callsMade++
    const options = { id, credit: this.#streamCredit, deadline: this.now() + timeoutMs }
    const stream = new OutgoingStream(this, options, sink)
    this.#table.outgoing.set(id, stream)
    this.#channel.busy = true
    this.#deadlines.add(stream)
    if (this.#table.exhausted) this.onRetire?.()
    return stream
  }

  receive(opcode: number, body: Reader): boolean {
    try {
      return this.#closed || this.#receiver.receive(opcode, body)
    } catch (error) {
      if (error instanceof RemoteProtocolError) {
        this.stats.violations++
        if (error.code === 'FLATEND_RPC_FLOW_CONTROL_VIOLATED') this.stats.flowViolations++
      }
      throw error
    }
  }

  onDrain(): void {
    this.#table.resumeAll()
  }

  closed(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#deadlines.clear()
    this.#tiny.clear()
    this.#cancels.clear()
    const cause = error ? { cause: error } : {}
    const message = `the connection ended: ${error?.message ?? 'the peer closed it'}`
    const { outgoing, incoming } = this.#table
    // A killed stream takes itself out of its map, which an iteration of a map allows.
    for (const stream of outgoing.values()) {
      stream.kill(new CallError('disconnected', message, cause))
    }
    for (const stream of incoming.values()) {
      stream.kill(new CallError('disconnected', message, cause))
    }
  }

  refuse(): void {
    this.#refusing = true
  }

  goAway(reason = ''): void {
    if (this.#goingAway || this.#closed) return
    this.#goingAway = true
    this.refuse()
    if (this.v2) this.#sender.goAway(Math.max(0, this.#table.lastIncoming), reason)
  }

  // --- What streams ask of their connection. ---

  sendData(stream: Stream, chunk: Uint8Array, offset: number): number {
    const left = chunk.length - offset
    const length = Math.min(left, stream.sendCredit, this.#credit.send)
    if (length <= 0) return 0
    const whole = length === chunk.length
    this.#sender.data(stream.id, whole ? chunk : chunk.subarray(offset, offset + length))
    stream.sendCredit -= length
    this.#credit.send -= length
    return length
  }

  sendEnd(stream: Stream): void {
    if (!this.#closed) this.#sender.end(stream.id)
  }

  sendReset(stream: Stream, code: number, reason: string): void {
    if (this.#closed) return
    this.crossings++
    const { id, deadline } = stream
    // A handler's RESET answers the peer's own call, which no peer counts.
    if (code === RESET.cancelled && stream instanceof OutgoingStream)
      this.#cancels.cancel({ id, deadline, reason })
    else this.#sender.reset(id, code, reason)
  }

  sendResponse(stream: Stream, status: number, headers: HeaderList): void {
    if (!this.#closed) this.#sender.response(stream.id, status, headers)
  }

  wait(stream: Stream): void {
    this.#table.wait(stream)
  }

  tinyBudget(): TokenBucket {
    return this.#tiny.budget()
  }

  hold(stream: Stream): void {
    this.#tiny.hold(stream)
  }

  consumed(stream: Stream, bytes: number): void {
    if (this.#closed) return
    this.#credit.consumed(bytes)
    if (!this.v2 || !stream.receiving) return
    stream.unacknowledged += bytes
    if (stream.unacknowledged * 4 < this.#limits.streamCredit) return
    this.#sender.window(stream.id, stream.unacknowledged)
    stream.receiveCredit += stream.unacknowledged
    stream.unacknowledged = 0
  }

  forget(stream: Stream): void {
    if (!this.#table.remove(stream)) return
    this.#tiny.forget(stream)
    stream.deadline = Number.POSITIVE_INFINITY
    this.#deadlines.ended()
    if (!this.idle) return
    if (!this.#closed) this.#channel.busy = false
    this.onIdle?.()
  }

  // --- What messages of the peer ask of it. ---

  requested(id: number, services: readonly string[], head: ReceivedHeaders): void {
    const service = services.find(this.#options.offers)
    if (service === undefined) {
      this.stats.notFound++
      this.#refuse(id, this.#refusing ? RESET.shuttingDown : RESET.notFound)
    } else if (this.#refusing || this.#table.incoming.size >= this.#limits.maxStreams) {
      this.stats.refused++
      this.#refuse(id, this.#refusing ? RESET.shuttingDown : RESET.refused)
    } else if (this.#isAllowed(id, service)) {
      this.#accept(id, service, head)
    }
  }

  peerGoesAway(last: number, reason: string): void {
    const first = this.accepting
    this.#peerGoingAway = true
    const message = reason || 'the provider is shutting down'
    // First another connection takes its place: calls that did not run are sent over that.
    if (first) this.onRetire?.()
    for (const stream of this.#table.outgoing.values()) {
      if (stream.id <= last) continue
      stream.kill(new CallError('shutting-down', message, { nothingRan: true }))
    }
  }

  #accept(id: number, service: string, head: ReceivedHeaders): void {
    const { headers, idempotent, timeoutMs = this.#limits.timeoutMs } = head
    const deadline = this.now() + timeoutMs
    const credit = this.#streamCredit
    const request = { id, credit, deadline, service, headers, idempotent }
    const stream = new IncomingStream(this, request)
    this.#table.incoming.set(id, stream)
    this.#channel.busy = true
    this.#deadlines.add(stream)
    this.stats.callsReceived++
    this.#options.dispatch(stream)
  }

  #isAllowed(id: number, service: string): boolean {
    const { authorize } = this.#options
    if (!authorize) return true
    const reason = denialOf(authorize, { service, peer: this.peer, direction: 'incoming' })
    if (reason === undefined) return true
    this.stats.denied++
    this.#refuse(id, RESET.denied, reason)
    return false
  }

  /** Answers what does not run here; nothing ran then. */
  #refuse(id: number, code: number, reason = ''): void {
    if (this.v2) {
      this.crossings++
      this.#sender.reset(id, code, reason)
    } else this.#sender.unhandled(id)
  }
}

/** @throws LocalProtocolError where it is no number */
function checkTimeout(timeoutMs: number): number {
  if (Number.isNaN(timeoutMs))
    throw new LocalProtocolError('FLATEND_RPC_TIMEOUT', 'timeoutMs is not a number')
  return Math.min(MAX_TIMEOUT_MS, Math.max(0, timeoutMs))
}

function noMoreCalls(closed: boolean): CallError {
  return closed
    ? new CallError('disconnected', 'this connection is closed', { nothingRan: true })
    : new CallError('shutting-down', 'this connection takes no more calls', { nothingRan: true })
}
