import { RemoteProtocolError, type TokenBucket } from '@flatend/wire'
import type { Expiring } from './deadlines.ts'
import type { CallError } from './errors.ts'
import type { RpcStats } from './stats.ts'

/** DATA of fewer bytes is tiny: many in a row are a flood (protocol §4). */
export const TINY = 16

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly v2: boolean
  readonly stats: RpcStats
  /** Whether more may be begun on the channel now. */
  readonly writable: boolean
  /** Milliseconds. */
  now(): number
  /** Sends as much of `chunk` from `offset` as credit allows; returns how much. */
  sendData(stream: Stream, chunk: Uint8Array, offset: number): number
  sendEnd(stream: Stream): void
  sendReset(stream: Stream, code: number, reason: string): void
  /** The stream waits for credit or for the channel. */
  wait(stream: Stream): void
  /** How many tiny pieces in a row the peer takes for sure, after the first. */
  tinyBudget(): TokenBucket
  /** The stream holds a tiny piece back; `release` it soon. */
  hold(stream: Stream): void
  /** The application took bytes of this stream. */
  consumed(stream: Stream, bytes: number): void
  /** Both directions are over. */
  forget(stream: Stream): void
}

/**
 * What both sides of a call have in common: two bodies, credit, an end. Subclasses say what becomes
 * of what the peer sends.
 */
export abstract class Stream implements Expiring {
  readonly id: number
  deadline: number = Number.POSITIVE_INFINITY
  /** Bytes we may still send. */
  sendCredit: number
  /** Bytes the peer may still send. */
  receiveCredit: number
  /** Bytes received that the application did not take. */
  unread = 0
  /** Bytes taken that the peer was not told of. */
  unacknowledged = 0
  /** Tiny pieces the peer sent in a row, and how many more it may. */
  tinyReceived = 0
  tinyAllowance: TokenBucket | undefined
  protected readonly owner: StreamOwner
  protected localEnded = false
  protected remoteEnded = false
  protected dead = false
  /** Pieces that wait for credit, the first from `#offset` on. */
  #queue: Uint8Array[] | undefined
  #offset = 0
  /** A tiny piece that waits for company. */
  #held: Uint8Array | undefined
  #tinySent = 0
  #tinyBudget: TokenBucket | undefined
  #endQueued = false
  #wantsDrain = false

  constructor(owner: StreamOwner, id: number, credit: number) {
    this.owner = owner
    this.id = id
    this.sendCredit = credit
    this.receiveCredit = credit
  }

  /** Whether the peer will send more. */
  get receiving(): boolean {
    return !this.remoteEnded && !this.dead
  }

  /** False: hold back until `drain`. */
  protected push(chunk: Uint8Array): boolean {
    if (this.dead || this.localEnded) return false
    if (chunk.length > 0) this.#offer(chunk)
    if (this.#queue === undefined && this.owner.writable) return true
    this.#wantsDrain = true
    this.owner.wait(this)
    return false
  }

  protected finish(chunk?: Uint8Array): void {
    if (this.dead || this.localEnded) return
    if (chunk && chunk.length > 0) this.#offer(chunk)
    this.#sendHeld()
    this.localEnded = true
    if (this.#queue) this.#endQueued = true
    else this.#sendEnd()
  }

  /** Credit came, or the channel drained: goes on with what waits. Returns whether it waits still. */
  resume(): boolean {
    if (this.#sendQueued()) return true
    if (this.#endQueued) {
      this.#endQueued = false
      this.#sendEnd()
      return false
    }
    if (this.#held) this.owner.hold(this)
    if (!this.owner.writable) return true
    if (this.#wantsDrain && !this.localEnded && !this.dead) {
      this.#wantsDrain = false
      this.onDrain()
    }
    // Whoever was told to go on may have filled the channel again.
    return this.#wantsDrain && !this.localEnded && !this.dead
  }

  /** A tiny piece was held back long enough. */
  release(): void {
    if (this.#queue || !this.#held) return
    this.#tinyBudget?.take(this.owner.now())
    this.#sendHeld()
  }

  /** The application took bytes it was given. */
  protected take(bytes: number): void {
    const taken = Math.min(bytes, this.unread)
    if (!(taken > 0)) return
    this.unread -= taken
    this.owner.consumed(this, taken)
  }

  receiveData(bytes: Uint8Array): void {
    if (this.remoteEnded) {
      throw new RemoteProtocolError(
        'FLATEND_RPC_DATA_AFTER_END',
        `data on stream ${this.id} after its end`,
      )
    }
    if (bytes.length === 0) {
      this.remoteEnded = true
      this.onEnd()
      this.#maybeForget()
      return
    }
    this.unread += bytes.length
    this.onData(bytes)
  }

  /** Ends both directions here; nothing is sent. */
  kill(error: CallError): void {
    if (this.dead) return
    this.die()
    this.onFail(error)
  }

  abstract expire(): void
  protected abstract onData(chunk: Uint8Array): void
  protected abstract onEnd(): void
  protected abstract onFail(error: CallError): void
  protected abstract onDrain(): void

  /** Forgets everything queued and returns the credit of what nobody will read. */
  protected die(): void {
    this.dead = true
    this.#queue = undefined
    this.#held = undefined
    this.#endQueued = false
    this.take(this.unread)
    this.owner.forget(this)
  }

  /** Sends, queues or holds back. */
  #offer(chunk: Uint8Array): void {
    const held = this.#held
    const piece = held ? join(held, chunk) : chunk
    this.#held = undefined
    if (piece.length >= TINY) {
      // What had to be joined shows that the row goes on.
      if (!held) {
        this.#tinySent = 0
        this.#tinyBudget = undefined
      }
    } else if (this.owner.v2 && !this.#mayBeTiny()) {
      this.#held = piece
      if (!this.#queue) this.owner.hold(this)
      return
    }
    this.#enqueue(piece)
  }

  /** A peer ends the connection over a row of tiny pieces; ours are joined before it comes to that. */
  #mayBeTiny(): boolean {
    if (this.#queue) return false
    if (this.#tinySent++ === 0) return true
    this.#tinyBudget ??= this.owner.tinyBudget()
    return this.#tinyBudget.take(this.owner.now())
  }

  #sendHeld(): void {
    const held = this.#held
    this.#held = undefined
    if (held) this.#enqueue(held)
  }

  #enqueue(chunk: Uint8Array): void {
    if (this.#queue) {
      this.#queue.push(chunk)
      return
    }
    const sent = this.owner.sendData(this, chunk, 0)
    if (sent === chunk.length) return
    this.#offset = sent
    this.#queue = [chunk]
    this.owner.wait(this)
  }

  /** Sends what credit allows of the queue. Returns whether something is left. */
  #sendQueued(): boolean {
    const queue = this.#queue
    if (!queue) return false
    let done = 0
    for (; done < queue.length; done++) {
      const chunk = queue[done] as Uint8Array
      this.#offset += this.owner.sendData(this, chunk, this.#offset)
      if (this.#offset < chunk.length) break
      this.#offset = 0
    }
    if (done === queue.length) this.#queue = undefined
    else if (done > 0) queue.splice(0, done)
    return this.#queue !== undefined
  }

  #sendEnd(): void {
    this.owner.sendEnd(this)
    this.#maybeForget()
  }

  #maybeForget(): void {
    if (this.remoteEnded && this.localEnded && !this.#endQueued && !this.dead) {
      this.dead = true
      // All of it arrived: what is unread is the application's own, no longer the connection's.
      this.take(this.unread)
      this.owner.forget(this)
    }
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
