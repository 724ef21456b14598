import type { IncomingCall, IncomingSink } from './call.ts'
import { CallError, errorOfReset, RESET } from './errors.ts'
import type { HeaderList } from './ports.ts'
import { Stream, type StreamOwner } from './stream.ts'

/** What an incoming call adds to what a stream needs. */
export interface IncomingOwner extends StreamOwner {
  /** Who calls. */
  readonly peer: unknown
  sendResponse(stream: Stream, status: number, headers: HeaderList): void
}

/** What a request brought. */
export interface IncomingRequest {
  readonly id: number
  readonly credit: number
  readonly deadline: number
  readonly service: string
  readonly headers: HeaderList
  readonly idempotent: boolean
}

/** A call the peer makes. */
export class IncomingStream extends Stream implements IncomingCall {
  readonly service: string
  readonly headers: HeaderList
  readonly idempotent: boolean
  readonly #owner: IncomingOwner
  /** Stays when the call is over, unlike `deadline`: what a handler does after has no more time. */
  readonly #endsAt: number
  #sink: IncomingSink | undefined
  #responded = false

  constructor(owner: IncomingOwner, request: IncomingRequest) {
    super(owner, request.id, request.credit)
    this.#owner = owner
    this.deadline = request.deadline
    this.#endsAt = request.deadline
    this.service = request.service
    this.headers = request.headers
    this.idempotent = request.idempotent
  }

  get peer(): unknown {
    return this.#owner.peer
  }

  get timeoutMs(): number {
    return Math.max(0, this.#endsAt - this.#owner.now())
  }

  accept(sink: IncomingSink): void {
    this.#sink = sink
  }

  respond(status: number, headers: HeaderList): void {
    if (this.dead || this.#responded) return
    // Marked only afterwards: headers that cannot be sent throw, and another answer may follow.
    this.#owner.sendResponse(this, status, headers)
    this.#responded = true
  }

  write(chunk: Uint8Array): boolean {
    this.respond(200, [])
    return this.push(chunk)
  }

  end(chunk?: Uint8Array): void {
    this.respond(200, [])
    this.finish(chunk)
  }

  fail(code: number, message = '', expose = false): void {
    if (!this.dead) this.#stop(code, expose ? message : '')
  }

  consumed(bytes: number): void {
    this.take(bytes)
  }

  expire(): void {
    if (this.dead) return
    this.owner.stats.deadlinesExpired++
    this.#stop(RESET.deadline, '')
    this.onFail(new CallError('deadline', 'the deadline of the call passed'))
  }

  receiveReset(code: number, reason: string): void {
    this.kill(errorOfReset(code, reason))
  }

  protected onData(chunk: Uint8Array): void {
    if (this.#sink) this.#sink.data(chunk)
    else this.take(chunk.length)
  }

  protected onEnd(): void {
    this.#sink?.end()
  }

  protected onFail(error: CallError): void {
    this.#sink?.cancel(error)
  }

  protected onDrain(): void {
    this.#sink?.drain()
  }

  #stop(code: number, reason: string): void {
    // v1 knows no failure: an empty answer, or one that breaks off, is all there is.
    if (this.owner.v2) this.owner.sendReset(this, code, reason)
    else this.end()
    if (!this.dead) this.die()
  }
}
