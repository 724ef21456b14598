import type { Caller, CallFailure, CallSink, HeaderList } from '../ports.ts'

/** A call as the service sees it, whatever carries it there. */
export interface ServedCall {
  /** Of the request, without what the carrier adds. */
  readonly headers: HeaderList
  /** Status and headers of the answer, once, before its first byte. */
  respond(status: number, headers: HeaderList): void
  /** False: hold back until `drain`. */
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): void
  /** The service fails; its message is written for callers. */
  fail(message: string): void
  /** The service is done with so many bytes of the request. */
  consumed(bytes: number): void
}

/** What the service is told. */
export interface ServedSink {
  data(chunk: Uint8Array): void
  /** The request's body is complete. */
  end(): void
  /** The call is over: nobody waits for an answer. */
  cancel(): void
  /** {@link ServedCall.write} may go on. */
  drain(): void
}

/** Serves one call; the body is told to what it returns. */
export type Service = (call: ServedCall) => ServedSink

/** A caller, and time. */
export interface CallerScene {
  readonly caller: Caller
  /** Lets a little time pass: a millisecond or so, real or virtual, and what waits on promises. */
  turn(): Promise<void>
  /** Lets go of whatever the caller holds. */
  close?(): void | Promise<void>
}

/** Makes a caller that reaches these services, by their names, and no other. */
export type MakeCaller = (
  services: Readonly<Record<string, Service>>,
) => CallerScene | Promise<CallerScene>

/** One promise a caller makes. */
export interface CallerCase {
  readonly name: string
  /** @throws Error where the promise is not kept */
  readonly run: (make: MakeCaller) => Promise<void>
}

/** Hears an answer: what it is, and what comes at a wrong time. */
export class Answer implements CallSink {
  status = 0
  headers: HeaderList = []
  readonly chunks: Uint8Array[] = []
  failure: CallFailure | undefined
  drains = 0
  /** What was heard, each kind once in a row. */
  readonly order: string[] = []
  whenResponse: () => void = () => undefined
  whenData: (chunk: Uint8Array) => void = () => undefined
  whenDrain: () => void = () => undefined

  /** How it came out. */
  get outcome(): string | undefined {
    return this.order.find((event) => event === 'end' || event === 'fail')
  }
  get received(): number {
    return this.chunks.reduce((total, { length }) => total + length, 0)
  }

  response(status: number, headers: HeaderList): void {
    this.#note('response', true)
    this.status = status
    this.headers = headers
    this.whenResponse()
  }
  data(chunk: Uint8Array): void {
    this.#note('data')
    this.chunks.push(chunk)
    this.whenData(chunk)
  }
  end(): void {
    this.#note('end', true)
  }
  fail(error: CallFailure): void {
    this.#note('fail', true)
    this.failure = error
  }
  drain(): void {
    this.#note('drain')
    this.drains++
    this.whenDrain()
  }

  #note(event: string, each = false): void {
    if (each || this.order.at(-1) !== event) this.order.push(event)
  }
}
