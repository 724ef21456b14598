/** Milliseconds in each unit of Go's `time.ParseDuration`. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}
const WHOLE = /^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g

/** What a duration looks like, for messages. */
export const DURATION_ALLOWED =
  'a duration such as "500ms", "10s" or "1h30m" (units ns, us, ms, s, m, h)'

/** The longest time a timer takes (2^31 - 1 ms, about 24 days). */
const MAX_MS = 2_147_483_647

/**
 * Milliseconds of a duration in Go's syntax, rounded up to a whole number; `undefined` where it is
 * malformed, negative or over 24 days.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0' || text === '+0') return 0
  if (!WHOLE.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * (UNITS[unit as string] as number)
  }
  // The sum of binary fractions may be a hair above the whole number that was meant.
  const rounded = Math.max(0, Math.ceil(total - 1e-9))
  return rounded > MAX_MS ? undefined : rounded
}
