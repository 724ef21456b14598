import type { Exchange } from '../driver.ts'
import { headerOf } from '../transfer/request-record.ts'

/** Which pages of other origins may use a listener or route, by scripts. */
export interface Cors {
  /** Origins in lower case; `*` is all. */
  readonly origins: readonly string[]
  /** What a preflight allows; the methods and headers it asks for where they are empty. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** Response headers a script may read. */
  readonly expose: readonly string[]
  readonly credentials: boolean
  /** How long a preflight counts, in seconds. */
  readonly maxAge: number
}

/** Whether a request asks what it may do (Fetch §4.8). */
export function isPreflight({ method, headers }: Exchange): boolean {
  return (
    method === 'OPTIONS' &&
    headerOf(headers, 'origin') !== undefined &&
    headerOf(headers, 'access-control-request-method') !== undefined
  )
}

/** Headers of the answer to a preflight. */
export function preflightHeaders(cors: Cors, { headers }: Exchange): readonly string[] {
  const method = headerOf(headers, 'access-control-request-method') ?? ''
  const asked = headerOf(headers, 'access-control-request-headers') ?? ''
  const methods = cors.methods.length > 0 ? cors.methods.join(', ') : method
  const allowed = cors.headers.length > 0 ? cors.headers.join(', ') : asked
  const answer = ['access-control-allow-methods', methods]
  if (allowed !== '') answer.push('access-control-allow-headers', allowed)
  answer.push('access-control-max-age', String(cors.maxAge))
  answer.push('vary', 'Access-Control-Request-Method, Access-Control-Request-Headers')
  return answer
}

const PREFLIGHT = /^access-control-(?:allow-(?:methods|headers)|max-age)$/

/**
 * An answer's headers with what is to be said of the request's origin; what the service says of it
 * itself does not count.
 */
export function withCors(
  cors: Cors,
  origin: string | undefined,
  headers: readonly string[],
): string[] {
  const answer = withoutCors(headers)
  const all = cors.origins.includes('*')
  // Without credentials all origins get one answer, which caches may share.
  if (!all || cors.credentials) answer.push('vary', 'Origin')
  if (origin === undefined || (!all && !cors.origins.includes(origin.toLowerCase()))) return answer
  answer.push('access-control-allow-origin', all && !cors.credentials ? '*' : origin)
  if (cors.credentials) answer.push('access-control-allow-credentials', 'true')
  if (cors.expose.length > 0) answer.push('access-control-expose-headers', cors.expose.join(', '))
  return answer
}

function withoutCors(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.startsWith('access-control-') && !PREFLIGHT.test(name)) continue
    kept.push(name, headers[i + 1] as string)
  }
  return kept
}
