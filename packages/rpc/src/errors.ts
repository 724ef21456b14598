/** RESET codes (protocol §3). */
export const RESET = {
  cancelled: 0,
  refused: 1,
  deadline: 2,
  handler: 3,
  flowControl: 4,
  tooLarge: 5,
  notFound: 6,
  denied: 7,
  overloaded: 8,
  shuttingDown: 9,
} as const

/** Why a call failed. */
export type CallErrorKind =
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

const CODES: Readonly<Record<CallErrorKind, string>> = {
  cancelled: 'FLATEND_RPC_CANCELLED',
  refused: 'FLATEND_RPC_REFUSED',
  deadline: 'FLATEND_RPC_DEADLINE',
  handler: 'FLATEND_RPC_HANDLER',
  'flow-control': 'FLATEND_RPC_FLOW_CONTROL',
  'too-large': 'FLATEND_RPC_TOO_LARGE',
  'not-found': 'FLATEND_RPC_NOT_FOUND',
  denied: 'FLATEND_RPC_DENIED',
  overloaded: 'FLATEND_RPC_OVERLOADED',
  'shutting-down': 'FLATEND_RPC_SHUTTING_DOWN',
  disconnected: 'FLATEND_RPC_DISCONNECTED',
  'no-provider': 'FLATEND_RPC_NO_PROVIDER',
}

/** How a {@link CallError} came about. */
export interface CallErrorOptions {
  /** The message was written for callers. @default false */
  readonly expose?: boolean
  /** The handler provably never ran: the call may be sent elsewhere. @default false */
  readonly nothingRan?: boolean
  readonly cause?: unknown
}

/** A call that failed. `kind` says why, `code` is its stable name; see docs/errors.md. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly kind: CallErrorKind
  readonly code: string
  /** The message was written for callers; others are for the log. */
  readonly expose: boolean
  /** The handler provably never ran. */
  readonly nothingRan: boolean

  constructor(kind: CallErrorKind, message: string, options: CallErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.code = CODES[kind]
    this.expose = options.expose ?? false
    this.nothingRan = options.nothingRan ?? false
  }
}

const KINDS: readonly (readonly [CallErrorKind, string, boolean])[] = [
  ['cancelled', 'the call was cancelled', false],
  ['refused', 'the provider refused the call', true],
  ['deadline', 'the deadline of the call passed', false],
  ['handler', 'the handler failed', false],
  ['flow-control', 'flow control was violated', false],
  ['too-large', 'something in the call was too large', false],
  ['not-found', 'the provider does not offer the service', true],
  ['denied', 'the call is not allowed', true],
  ['overloaded', 'the provider has too much to do', true],
  ['shutting-down', 'the provider is shutting down', true],
]

/** The error of a RESET; an unknown code is the handler's. Something ran where it `answered`. */
export function errorOfReset(code: number, reason: string, answered = false): CallError {
  const [kind, message, nothingRan] =
    KINDS[code] ?? (['handler', 'the handler failed', false] as const)
  return new CallError(kind, reason || message, {
    expose: reason !== '',
    nothingRan: nothingRan && !answered,
  })
}
