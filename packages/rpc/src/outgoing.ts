import { RemoteProtocolError } from '@flatend/wire'
import type { CallHandle, CallSink } from './call.ts'
import type { ReceivedHeaders } from './codec.ts'
import { CallError, errorOfReset, RESET } from './errors.ts'
import { Stream, type StreamOwner } from './stream.ts'

/** A call this side makes. */
export class OutgoingStream extends Stream implements CallHandle {
  readonly #sink: CallSink
  #responded = false
  /** v1 has no RESET: what still comes of a cancelled call is dropped. */
  #discarding = false

  constructor(
    owner: StreamOwner,
    options: { id: number; credit: number; deadline: number },
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
    if (this.dead || this.#discarding) return
    this.#stop(RESET.cancelled, reason)
  }

  expire(): void {
    if (this.dead || this.#discarding) return
    this.#stop(RESET.deadline, '')
    this.#sink.fail(new CallError('deadline', 'the deadline of the call passed'))
  }

  receiveResponse(handled: boolean, { status, headers }: ReceivedHeaders): void {
    if (this.#discarding) return
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
    this.kill(errorOfReset(code, reason))
  }

  protected onData(chunk: Uint8Array): void {
    if (this.#discarding) this.take(chunk.length)
    else if (this.#responded) this.#sink.data(chunk)
    else
      throw new RemoteProtocolError(
        'FLATEND_RPC_NO_RESPONSE',
        `data before a response on stream ${this.id}`,
      )
  }

  protected onEnd(): void {
    if (this.#discarding) return
    if (!this.#responded)
      throw new RemoteProtocolError(
        'FLATEND_RPC_NO_RESPONSE',
        `an end before a response on stream ${this.id}`,
      )
    this.deadline = Number.POSITIVE_INFINITY
    this.#sink.end()
  }

  protected onFail(error: CallError): void {
    if (!this.#discarding) this.#sink.fail(error)
  }

  protected onDrain(): void {
    this.#sink.drain()
  }

  #stop(code: number, reason: string): void {
    if (this.owner.v2) {
      this.owner.sendReset(this, code, reason)
      this.die()
    } else {
      this.#discarding = true
      this.deadline = Number.POSITIVE_INFINITY
      this.take(this.unread)
      this.finish()
    }
  }
}
