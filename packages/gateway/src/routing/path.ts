/** `.` or `..` as a whole piece of a path, percent-encoded or not (RFC 3986 §3.3, §6.2.2.2). */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i
const ONE_DOT = /^(?:\.|%2e)$/i
const TWO_DOTS = /^(?:\.|%2e){2}$/i
/** What a path may hold as sent: RFC 3986 and what browsers leave as it is; no `#`, no space. */
const SENDABLE = /^\/[!-"$-~]*$/

/**
 * What is wrong with a path as sent, in words; `undefined` where nothing is.
 * It has to be ASCII from the first slash on, with well-formed percent-encoding, without `%00`.
 */
export function pathProblem(rawPath: string): string | undefined {
  if (!SENDABLE.test(rawPath)) return 'The path holds characters that have to be percent-encoded.'
  if (!rawPath.includes('%')) return undefined
  try {
    if (!decodeURIComponent(rawPath).includes('\0')) return undefined
  } catch {
    // Malformed percent-encoding, or bytes that are not UTF-8.
  }
  return 'The path is not well-formed percent-encoded UTF-8.'
}

/** Whether a path has a `.` or `..` piece. */
export function hasDotSegments(rawPath: string): boolean {
  return (rawPath.includes('/.') || rawPath.includes('%')) && DOT_SEGMENT.test(rawPath)
}

/**
 * The path without dot segments and empty pieces; `undefined` where it leads above the root. A
 * slash at the end stays.
 */
export function cleanPath(rawPath: string): string | undefined {
  const pieces: string[] = []
  const given = rawPath.split('/')
  const last = given.at(-1) as string
  for (const piece of given) {
    if (piece === '' || ONE_DOT.test(piece)) continue
    if (!TWO_DOTS.test(piece)) pieces.push(piece)
    else if (pieces.pop() === undefined) return undefined
  }
  const slash = last === '' || ONE_DOT.test(last) || TWO_DOTS.test(last)
  return pieces.length === 0 ? '/' : `/${pieces.join('/')}${slash ? '/' : ''}`
}

/** The path with a slash at its end, or without the one it has. */
export function toggleSlash(rawPath: string): string {
  return rawPath.endsWith('/') ? rawPath.slice(0, -1) : `${rawPath}/`
}
