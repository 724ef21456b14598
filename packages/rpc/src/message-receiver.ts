import { type Reader, RemoteProtocolError, TokenBucket } from '@flatend/wire'
import {
  CONNECTION,
  DATA,
  GOAWAY,
  RESET_STREAM,
  type ReceivedHeaders,
  readHeaders,
  readServices,
  SERVICE_REQUEST,
  SERVICE_RESPONSE,
  WINDOW,
} from './codec.ts'
import type { ConnectionCredit } from './connection-credit.ts'
import { RESET } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import { OutgoingStream } from './outgoing.ts'
import type { Clock } from './ports.ts'
import type { RpcStats } from './stats.ts'
import { type Stream, TINY } from './stream.ts'
import type { StreamTable } from './stream-table.ts'

/** A caller's RESET at the deadline overtakes ours by no more than delays differ, in milliseconds. */
const DEADLINE_SLACK_MS = 1_000

/** Messages that may arrive for a call after it is over: as many as were under way. */
const STRAYS_OF_A_CALL = 64

/** What messages of the peer ask of the connection. */
export interface ReceiverOwner {
  readonly v2: boolean
  readonly stats: RpcStats
  /** RESETs this side sent that the peer's own may have crossed on the way. */
  crossings: number
  requested(id: number, services: readonly string[], head: ReceivedHeaders): void
  peerGoesAway(last: number, reason: string): void
  goAway(reason: string): void
}

/** What {@link MessageReceiver} works on. */
export interface ReceiverParts {
  readonly table: StreamTable
  readonly credit: ConnectionCredit
  readonly limits: RpcLimits
  readonly clock: Clock
}

/** Takes messages of the peer apart, checks them, and hands them to their streams. */
export class MessageReceiver {
  readonly #owner: ReceiverOwner
  readonly #table: StreamTable
  readonly #credit: ConnectionCredit
  readonly #limits: RpcLimits
  readonly #clock: Clock
  readonly #resets: TokenBucket
  readonly #strays: TokenBucket
  #strayed = 0
  #requests = 0

  constructor(owner: ReceiverOwner, { table, credit, limits, clock }: ReceiverParts) {
    this.#owner = owner
    this.#table = table
    this.#credit = credit
    this.#limits = limits
    this.#clock = clock
    this.#strays = new TokenBucket(
      { perSecond: limits.straysPerSecond, burst: limits.strayBurst },
      clock.now(),
    )
    this.#resets = new TokenBucket(
      { perSecond: limits.resetsPerSecond, burst: limits.resetBurst },
      clock.now(),
    )
  }

  /** @returns false where the opcode is not of this layer */
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
      default:
        return this.#owner.v2 && this.#receiveControl(opcode, body)
    }
  }

  #receiveControl(opcode: number, body: Reader): boolean {
    if (opcode === WINDOW) this.#onWindow(body)
    else if (opcode === RESET_STREAM) this.#onReset(body)
    else if (opcode === GOAWAY) this.#onGoAway(body)
    else return false
    return true
  }

  #onRequest(body: Reader): void {
    const lossy = !this.#owner.v2
    const id = body.u32()
    const services = readServices(body, lossy)
    const head = readHeaders(body, this.#limits, lossy)
    body.expectEnd()
    this.#table.expectNew(id)
    this.#requests++
    this.#owner.requested(id, services, head)
  }

  #onResponse(body: Reader): void {
    const id = body.u32()
    const handled = body.u8() !== 0
    const received = readHeaders(body, this.#limits, !this.#owner.v2)
    body.expectEnd()
    const stream = this.#table.outgoing.get(id)
    if (stream) stream.receiveResponse(handled, received)
    else this.#stray(id)
  }

  #onData(body: Reader): void {
    const id = body.u32()
    const bytes = body.lp16()
    body.expectEnd()
    const stream = this.#table.find(id)
    this.#credit.received(bytes.length)
    if (!stream) {
      // Crossed our RESET on the way: nobody reads it, its credit goes back at once.
      if (bytes.length < TINY) this.#stray(id)
      else this.#table.expectKnown(id)
      this.#credit.consumed(bytes.length)
      return
    }
    if (this.#owner.v2) {
      stream.receiveCredit -= bytes.length
      if (stream.receiveCredit < 0) throw overCredit(id)
      this.#expectNoFlood(stream, bytes.length)
    }
    stream.receiveData(bytes)
  }

  /**
   * Tiny pieces in a row: `maxTinyData` at once, and a tenth of it each second, since an answer
   * may well be made of small pieces that come as they are made.
   */
  #expectNoFlood(stream: Stream, length: number): void {
    if (length >= TINY) {
      stream.tinyReceived = 0
      stream.tinyAllowance = undefined
      return
    }
    // The first costs nothing, so that a small call needs no allowance.
    if (length === 0 || stream.tinyReceived++ === 0) return
    const { maxTinyData } = this.#limits
    const now = this.#clock.now()
    stream.tinyAllowance ??= new TokenBucket(
      { perSecond: maxTinyData / 10, burst: maxTinyData - 1 },
      now,
    )
    if (stream.tinyAllowance.take(now)) return
    throw new RemoteProtocolError(
      'FLATEND_RPC_TINY_DATA',
      `${stream.tinyReceived} tiny pieces of data in a row on stream ${stream.id}`,
    )
  }

  #onWindow(body: Reader): void {
    const id = body.u32()
    const bytes = body.u32()
    body.expectEnd()
    if (bytes === 0) this.#expectFewStrays()
    if (id === CONNECTION) {
      this.#credit.add(bytes)
      this.#table.resumeAll()
      return
    }
    const stream = this.#table.find(id)
    if (!stream) {
      this.#stray(id)
      return
    }
    stream.sendCredit += bytes
    if (stream.sendCredit > this.#limits.streamCredit) throw overCredit(id)
    this.#table.resume(stream)
  }

  #onReset(body: Reader): void {
    const id = body.u32()
    const code = body.u16()
    const reason = body.text16(true)
    body.expectEnd()
    this.#owner.stats.resetsReceived++
    const stream = this.#table.find(id)
    if (!stream) this.#table.expectKnown(id)
    if (this.#isCounted(stream, code) && !this.#resets.take(this.#clock.now())) {
      this.#owner.goAway('streams are reset too fast')
      throw new RemoteProtocolError('FLATEND_RPC_RESET_FLOOD', 'the peer resets streams too fast')
    }
    stream?.receiveReset(code, reason)
  }

  /**
   * What makes work is opening streams and resetting them again. An answer to a call of ours, a
   * RESET that crossed ours, and the deadline that both sides know are no such thing: many at
   * once are ordinary when a provider is overloaded or hangs.
   */
  #isCounted(stream: Stream | undefined, code: number): boolean {
    if (stream instanceof OutgoingStream) return false
    if (stream) {
      const left = stream.deadline - this.#clock.now()
      return code !== RESET.deadline || left > DEADLINE_SLACK_MS
    }
    if (this.#owner.crossings === 0) return true
    this.#owner.crossings--
    return false
  }

  #onGoAway(body: Reader): void {
    body.u16()
    const last = body.u32()
    const reason = body.text16(true)
    body.expectEnd()
    this.#expectFewStrays()
    this.#owner.peerGoesAway(last, reason)
  }

  /** A message for a stream that is gone: it was under way when the stream ended. */
  #stray(id: number): void {
    this.#table.expectKnown(id)
    this.#expectFewStrays()
  }

  /** Such messages cost us time and the peer no credit. v1 peers may say what they like. */
  #expectFewStrays(): void {
    const calls = this.#requests + this.#table.nextId / 2
    if (
      !this.#owner.v2 ||
      ++this.#strayed <= calls * STRAYS_OF_A_CALL ||
      this.#strays.take(this.#clock.now())
    )
      return
    throw new RemoteProtocolError(
      'FLATEND_RPC_STRAY_FLOOD',
      'the peer sends messages that do nothing too fast',
    )
  }
}

function overCredit(id: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    `the peer sent or gave back more than its credit on stream ${id}`,
  )
}
