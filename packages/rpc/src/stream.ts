import { RemoteProtocolError } from '@flatend/wire'
import type { Expiring } from './deadlines.ts'
import type { CallError } from './errors.ts'

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly v2: boolean
  /** Whether more may be begun on the channel now. */
  readonly writable: boolean
  /** Sends as much of `chunk` from `offset` as credit allows; returns how much. */
  sendData(stream: Stream, chunk: Uint8Array, offset: number): number
  sendEnd(stream: Stream): void
  sendReset(stream: Stream, code: number, reason: string): void
  /** The stream waits for credit or for the channel. */
  wait(stream: Stream): void
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
  tinyData = 0
  protected readonly owner: StreamOwner
  protected localEnded = false
  protected remoteEnded = false
  protected dead = false
  #queue: Uint8Array[] = []
  #offset = 0
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
    if (chunk.length > 0) {
      const sent = this.#queue.length === 0 ? this.owner.sendData(this, chunk, 0) : 0
      if (sent < chunk.length) {
        if (this.#queue.length === 0) this.#offset = sent
        this.#queue.push(chunk)
      }
    }
    if (this.#queue.length === 0 && this.owner.writable) return true
    this.#wantsDrain = true
    this.owner.wait(this)
    return false
  }

  protected finish(chunk?: Uint8Array): void {
    if (this.dead || this.localEnded) return
    if (chunk && chunk.length > 0) this.push(chunk)
    this.localEnded = true
    if (this.#queue.length > 0) this.#endQueued = true
    else this.#sendEnd()
  }

  /** Credit came, or the channel drained: goes on with what waits. Returns whether it waits still. */
  resume(): boolean {
    while (this.#queue.length > 0) {
      const chunk = this.#queue[0] as Uint8Array
      this.#offset += this.owner.sendData(this, chunk, this.#offset)
      if (this.#offset < chunk.length) return true
      this.#queue.shift()
      this.#offset = 0
    }
    if (this.#endQueued) {
      this.#endQueued = false
      this.#sendEnd()
      return false
    }
    if (!this.owner.writable) return true
    if (this.#wantsDrain && !this.localEnded && !this.dead) {
      this.#wantsDrain = false
      this.onDrain()
    }
    // Whoever was told to go on may have filled the channel again.
    return this.#wantsDrain && !this.localEnded && !this.dead
  }

  /** The application took bytes it was given. */
  protected take(bytes: number): void {
    const taken = Math.min(bytes, this.unread)
    this.unread -= taken
    if (taken > 0) this.owner.consumed(this, taken)
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
    this.#queue = []
    this.#endQueued = false
    this.take(this.unread)
    this.owner.forget(this)
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
