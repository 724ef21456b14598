/** Flat list: name, value, name, value …; order and repeats kept. */
export type HeaderList = readonly string[]

/** One call of a service. */
export interface CallRequest {
  /** Services in order of preference; the first that somebody offers handles the call. */
  readonly services: readonly string[]
  readonly headers: HeaderList
  /** The call ends after this long at the latest, in milliseconds. */
  readonly timeoutMs?: number
  /** May be run twice without harm. */
  readonly idempotent?: boolean
  /** Calls of one key go to one provider while that is there. */
  readonly key?: string
  /** Asked before the call goes to another provider than the first. @default it may */
  readonly retry?: () => boolean
  /** To be told each time another provider has it. */
  readonly onRetry?: () => void
}

/** Why a call failed, as the gateway needs to know it. */
export interface CallFailure {
  readonly code: string
  readonly kind:
    | 'cancelled'
    | 'refused'
    | 'deadline'
    | 'handler'
    | 'flow-control'
    | 'too-large'
    | 'not-found'
    | 'denied'
    | 'overloaded'
    | 'shutting-down'
    | 'disconnected'
    | 'no-provider'
  readonly message: string
  /** The message was written for callers; otherwise it stays in the log. */
  readonly expose: boolean
}

/** Receives the answer, synchronously and in order. After `end` or `fail` nothing more comes. */
export interface CallSink {
  response(status: number, headers: HeaderList): void
  /** `chunk` may be kept; credit returns to the sender by {@link CallHandle.consumed} alone. */
  data(chunk: Uint8Array): void
  end(): void
  fail(error: CallFailure): void
  /** {@link CallHandle.write} may go on. */
  drain(): void
}

/** The calling side of a call that runs. */
export interface CallHandle {
  /** False: hold back until `drain`. `chunk` must not be changed afterwards. */
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): void
  cancel(reason?: string): void
  /** The application is done with so many bytes of the answer: the sender may send as many more. */
  consumed(bytes: number): void
  /** Who answers, where the caller says; for `GatewayOptions.nameOf`. */
  readonly peer?: unknown
}

/** The port of the gateway: whatever can call a service. */
export interface Caller {
  /** @throws an error of kind `too-large` where the request is too large to be said; other errors are ours */
  open(request: CallRequest, sink: CallSink): CallHandle
}
