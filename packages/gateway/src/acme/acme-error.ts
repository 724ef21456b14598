import { GatewayError } from '../errors.ts'

/** What a CA says no with (RFC 8555 §6.7), or why it cannot be asked. */
export class AcmeError extends GatewayError {
  /** The CA's type of error without its prefix, such as `rateLimited`; empty where it said none. */
  readonly type: string
  /** Milliseconds the CA asks to wait. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    options: {
      readonly type?: string
      readonly retryAfterMs?: number | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super('FLATEND_GATEWAY_ACME', message, options)
    this.name = 'AcmeError'
    this.type = options.type ?? ''
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Milliseconds of a Retry-After (RFC 9110 §10.2.3): seconds, or a date. */
export function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
