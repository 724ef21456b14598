import type { CallError } from './errors.ts'
import type { HeaderList } from './ports.ts'

/** Receives an answer, synchronously and in order. After `end` or `fail` nothing more comes. */
export interface CallSink {
  /** Once, before any data. */
  response(status: number, headers: HeaderList): void
  /** `chunk` may be kept; the sender may send as much again only after {@link CallHandle.consumed}. */
  data(chunk: Uint8Array): void
  end(): void
  /** Instead of `end`, with or without a response before. */
  fail(error: CallError): void
  /** {@link CallHandle.write} may go on. */
  drain(): void
}

/** The calling side of a call. */
export interface CallHandle {
  /** False: hold back until `drain`. `chunk` must not be changed afterwards. */
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): void
  /** The answer is not wanted any more; the sink hears nothing more. */
  cancel(reason?: string): void
  consumed(bytes: number): void
  /** Who answers, as its connection was given: of the provider the call is at, where it is at one. */
  readonly peer?: unknown
}

/** Receives a request's body, synchronously and in order. */
export interface IncomingSink {
  data(chunk: Uint8Array): void
  /** The request's body is complete. */
  end(): void
  /** The call is over: the caller gave up, the deadline passed, the connection ended. */
  cancel(error: CallError): void
  /** {@link IncomingCall.write} may go on. */
  drain(): void
}

/** A call to be answered. */
export interface IncomingCall {
  /** The service asked for: the first of the request's that this node offers. */
  readonly service: string
  readonly headers: HeaderList
  /** Milliseconds until the caller's deadline, 0 when it passed. */
  readonly timeoutMs: number
  readonly idempotent: boolean
  /** Whatever the connection was made with: who calls. */
  readonly peer: unknown
  /** Says who receives the body; synchronously within the dispatch. */
  accept(sink: IncomingSink): void
  /** Status and headers, once, before the first byte. @default 200 and none */
  respond(status: number, headers: HeaderList): void
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): void
  /** Breaks the call off with a RESET code; `expose` says that `message` is for the caller. */
  fail(code: number, message?: string, expose?: boolean): void
  consumed(bytes: number): void
}

/** Runs a call; must call `accept`. */
export type Dispatch = (call: IncomingCall) => void
