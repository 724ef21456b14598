import type { CallError, IncomingCall, IncomingSink } from '@flatend/rpc'
import type { BodyQueue, BodySource } from './body-queue.ts'

/** Who is told of a call, beside its body. */
export interface CallOwner {
  onDrain(): void
  onCancel(error: CallError): void
  /** A listener of the handler's threw. */
  onThrown(error: unknown): void
}

/** Gives the caller credit for what the handler took. */
export class CallSource implements BodySource {
  readonly #call: IncomingCall
  readonly #owner: CallOwner

  constructor(call: IncomingCall, owner: CallOwner) {
    this.#call = call
    this.#owner = owner
  }

  consumed(bytes: number): void {
    this.#call.consumed(bytes)
  }

  /** The handler decides what it answers. */
  refused(): void {}

  threw(error: unknown): void {
    this.#owner.onThrown(error)
  }
}

/** What the connection tells of the request. */
export class CallSink implements IncomingSink {
  readonly #queue: BodyQueue
  readonly #owner: CallOwner

  constructor(queue: BodyQueue, owner: CallOwner) {
    this.#queue = queue
    this.#owner = owner
  }

  data(chunk: Uint8Array): void {
    this.#queue.push(chunk)
  }

  end(): void {
    this.#queue.close()
  }

  cancel(error: CallError): void {
    this.#owner.onCancel(error)
  }

  drain(): void {
    try {
      this.#owner.onDrain()
    } catch (error) {
      this.#owner.onThrown(error)
    }
  }
}
