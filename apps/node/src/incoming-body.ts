import type { CallError, IncomingCall, IncomingSink } from '@flatend/rpc'
import type { BodyQueue, BodySource } from './body-queue.ts'

/** Who is told of a call, beside its body. */
export interface CallOwner {
  onDrain(): void
  onCancel(error: CallError): void
}

/** Gives the caller credit for what the handler took. */
export class CallSource implements BodySource {
  readonly #call: IncomingCall

  constructor(call: IncomingCall) {
    this.#call = call
  }

  consumed(bytes: number): void {
    this.#call.consumed(bytes)
  }

  /** The handler decides what it answers. */
  refused(): void {}
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
    this.#owner.onDrain()
  }
}
