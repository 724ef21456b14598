/** What went wrong, for programs: stable, listed with its cure in docs/errors.md. */
export type GatewayErrorCode =
  | 'FLATEND_GATEWAY_ACME'
  | 'FLATEND_GATEWAY_CONFIG'
  | 'FLATEND_GATEWAY_DRIVER'
  | 'FLATEND_GATEWAY_LISTEN'
  | 'FLATEND_GATEWAY_STATE'

/** An error of the gateway itself: its configuration, a listener, or the way it was used. */
export class GatewayError extends Error {
  /** Stable name of the error. */
  readonly code: GatewayErrorCode

  constructor(code: GatewayErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'GatewayError'
    this.code = code
  }
}
