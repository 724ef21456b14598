import { headerOf } from './request-record.ts'

/** What `nocache` of 2020 set. */
const HEADERS = [
  ['expires', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['cache-control', 'no-cache, private, max-age=0'],
  ['pragma', 'no-cache'],
  ['x-accel-expires', '0'],
] as const

/** Request headers `nocache` of 2020 ignored. */
export const CONDITIONAL: ReadonlySet<string> = new Set([
  'etag',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
])

const WITHOUT_RANGE: ReadonlySet<string> = new Set([...CONDITIONAL, 'range'])

/**
 * What `nocache` keeps from a service. A range that counts for one version alone goes with its
 * condition: another version's part would be taken for this one's (RFC 9110 §13.1.5).
 */
export function ignoredOf(headers: readonly string[]): ReadonlySet<string> {
  return headerOf(headers, 'if-range') === undefined ? CONDITIONAL : WITHOUT_RANGE
}

/** The headers with those of `nocache` that they do not set themselves. */
export function withNoCache(headers: readonly string[]): readonly string[] {
  const names = new Set(headers.filter((_, index) => index % 2 === 0))
  return [...headers, ...HEADERS.filter(([name]) => !names.has(name)).flat()]
}
