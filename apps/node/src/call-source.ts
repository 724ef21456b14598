import type { IncomingCall } from '@flatend/rpc'
import type { BodySource } from './body-queue.ts'

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
