const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The longest pause between two attempts. A certificate has a third of its life left for them. */
export const MAX_RETRY_MS: number = 6 * HOUR_MS
/** However long a CA asks to wait, it is asked once a day. */
const MAX_RETRY_AFTER_MS = 24 * HOUR_MS

/**
 * When to replace a certificate, in milliseconds since 1970: after two thirds of its life and up to a
 * thirtieth more, so that not all of a CA's clients come at once.
 * @param random - in [0, 1)
 */
export function renewalTime(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  random: number,
): number {
  const life = notAfter - notBefore
  return Math.round(notBefore + (life * 2) / 3 + (life / 30) * random)
}

/** What the pause before the next attempt depends on. */
export interface RetryOptions {
  /** Attempts that failed in a row, 1 or more. */
  readonly failures: number
  /** Pause after the first, in milliseconds. */
  readonly baseMs: number
  /** What the CA asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** In [0, 1). */
  readonly random: number
}

/** Milliseconds until the next attempt: doubled each time, by a half more or less, never sooner than the CA says. */
export function retryDelay({ failures, baseMs, retryAfterMs = 0, random }: RetryOptions): number {
  const doubled = Math.min(MAX_RETRY_MS, baseMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(Math.max(doubled * (0.5 + random), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)))
}

/**
 * When to replace a certificate as its CA suggests (RFC 9773 §4.2): the same share of the window each
 * time it is asked about, so that asking again does not bring it nearer. Half of the time that is left
 * after our own is kept for attempts that fail, whatever the CA says.
 */
export function suggestedTime(
  { start, end }: { readonly start: number; readonly end: number },
  certificate: {
    readonly notAfter: number
    /** When it is replaced without a suggestion. */
    readonly own: number
    /** In [0, 1). */
    readonly share: number
  },
): number {
  const { notAfter, own, share } = certificate
  return Math.round(Math.min(start + (end - start) * share, own + (notAfter - own) / 2))
}
