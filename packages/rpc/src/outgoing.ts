import { RemoteProtocolError } from '@flatend/wire'
import type { CallHandle, CallSink } from './call.ts'
import type { ReceivedHeaders } from './codec.ts'
import { CallError, errorOfReset, RESET } from './errors.ts'
import { Stream, type StreamOwner } from './stream.ts'

/** A call this side makes. */
export class OutgoingStream extends Stream implements CallHandle {
  readonly #sink: CallSink
  #responded = false
  #answered = false

  constructor(
    owner: StreamOwner,
    options: { readonly id: number; readonly credit: number; readonly deadline: number },
    sink: CallSink,
  ) {
    super(owner, options.id, options.credit)
    this.deadline = options.deadline
    this.#sink = sink
  }

  write(chunk: Uint8Array): boolean {
    return this.push(chunk)
  }

  end(chunk?: Uint8Array): void {
    this.finish(chunk)
  }

  consumed(bytes: number): void {
    this.take(bytes)
  }

  cancel(reason = ''): void {
    if (!this.dead) this.#stop(RESET.cancelled, reason)
  }

  expire(): void {
    if (this.dead) return
    this.owner.stats.deadlinesExpired++
    this.#stop(RESET.deadline, '')
    this.onFail(new CallError('deadline', 'the deadline of the call passed'))
  }

  /** @throws RemoteProtocolError on a second one */
  receiveResponse(handled: boolean, { status, headers }: ReceivedHeaders): void {
    if (this.#responded)
      throw new RemoteProtocolError(
        'FLATEND_RPC_RESPONSE_TWICE',
        `a second response on stream ${this.id}`,
      )
    if (!handled) {
      this.kill(errorOfReset(RESET.notFound, ''))
      return
    }
    this.#responded = true
    this.#sink.response(status, headers)
  }

  receiveReset(code: number, reason: string): void {
    this.kill(errorOfReset(code, reason, this.#responded))
  }

  protected onData(chunk: Uint8Array): void {
    this.#expectResponse('data')
    this.#sink.data(chunk)
  }

  protected onEnd(): void {
    this.#expectResponse('an end')
    this.#answered = true
    this.#sink.end()
  }

  protected onFail(error: CallError): void {
    // Of a whole answer nothing can fail any more, though the request was still being sent.
    if (!this.#answered) this.#sink.fail(error)
  }

  protected onDrain(): void {
    this.#sink.drain()
  }

  #expectResponse(what: string): void {
    if (this.#responded) return
    throw new RemoteProtocolError(
      'FLATEND_RPC_NO_RESPONSE',
      `${what} before a response on stream ${this.id}`,
    )
  }

  #stop(code: number, reason: string): void {
    // v1 has no RESET: our side is ended, and what still comes is of no stream and dropped.
    if (this.owner.v2) this.owner.sendReset(this, code, reason)
    else this.finish()
    if (!this.dead) this.die()
  }
}
