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

/** The headers with those of `nocache` that they do not set themselves. */
export function withNoCache(headers: readonly string[]): readonly string[] {
  const names = new Set(headers.filter((_, index) => index % 2 === 0))
  return [...headers, ...HEADERS.filter(([name]) => !names.has(name)).flat()]
}
