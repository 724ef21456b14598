/** Machine-readable details of an error: lengths, limits, names. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>

/** What every error of flatend carries beside its message. */
export interface ProtocolErrorOptions {
  readonly cause?: unknown
  readonly details?: ErrorDetails
}

/** Common ground of both error families: a stable `code`, typed `details`, a `cause`. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  /** Stable identifier, `FLATEND_<LAYER>_<WHAT>`; each is listed in docs/errors.md. */
  readonly code: string
  /** Lengths, limits and names that belong to the message. */
  readonly details: ErrorDetails

  constructor(code: string, message: string, options: ProtocolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** The peer broke the rules. Whoever holds the connection ends it; nothing it sent after is read. */
export class RemoteProtocolError extends ProtocolError {
  override readonly name: string = 'RemoteProtocolError'
}

/** Our own caller asked for something the protocol cannot say. The connection is unharmed. */
export class LocalProtocolError extends ProtocolError {
  override readonly name: string = 'LocalProtocolError'
}
