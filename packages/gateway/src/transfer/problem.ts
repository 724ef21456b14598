import type { CallFailure } from '../ports.ts'
import { utf8 } from '../utf8.ts'

/** The `code` of a problem document: stable, for programs. */
export type ProblemCode =
  | 'FLATEND_GATEWAY_MALFORMED'
  | 'FLATEND_GATEWAY_NO_ROUTE'
  | 'FLATEND_GATEWAY_METHOD'
  | 'FLATEND_GATEWAY_ADDRESS_TOO_LONG'
  | 'FLATEND_GATEWAY_FIELDS_TOO_LARGE'
  | 'FLATEND_GATEWAY_BODY_TOO_LARGE'
  | 'FLATEND_GATEWAY_SLOW_BODY'
  | 'FLATEND_GATEWAY_MEDIA_TYPE'
  | 'FLATEND_GATEWAY_RANGE'
  | 'FLATEND_GATEWAY_UPGRADE'
  | 'FLATEND_GATEWAY_RATE_LIMITED'
  | 'FLATEND_GATEWAY_INTERNAL'
  | 'FLATEND_GATEWAY_PROVIDER_FAILED'
  | 'FLATEND_GATEWAY_NO_PROVIDER'
  | 'FLATEND_GATEWAY_OVERLOADED'
  | 'FLATEND_GATEWAY_DENIED'
  | 'FLATEND_GATEWAY_DEADLINE'

/** An error answer. */
export interface Problem {
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  /** Headers beside content-type: Allow, Retry-After … */
  readonly headers?: readonly string[]
}

/** RFC 9110 §15 and RFC 6585. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

const RETRY = ['retry-after', '1'] as const

type Known = Omit<Problem, 'detail'> & { readonly text: string }
const FAILED: Known = {
  status: 502,
  code: 'FLATEND_GATEWAY_PROVIDER_FAILED',
  text: 'The service failed before it answered.',
}
const NO_PROVIDER: Known = {
  status: 503,
  code: 'FLATEND_GATEWAY_NO_PROVIDER',
  text: 'Nobody provides the service at the moment.',
  headers: RETRY,
}
const OVERLOADED: Known = {
  status: 503,
  code: 'FLATEND_GATEWAY_OVERLOADED',
  text: 'The service takes no requests at the moment.',
  headers: RETRY,
}

/** What a call's failure is in HTTP. A handler that is gone before it answered is a bad gateway. */
const FAILURES: Readonly<Record<CallFailure['kind'], Known>> = {
  handler: FAILED,
  disconnected: FAILED,
  cancelled: FAILED,
  'flow-control': FAILED,
  'no-provider': NO_PROVIDER,
  'not-found': NO_PROVIDER,
  overloaded: OVERLOADED,
  'shutting-down': OVERLOADED,
  refused: OVERLOADED,
  deadline: {
    status: 504,
    code: 'FLATEND_GATEWAY_DEADLINE',
    text: 'The service did not answer in time.',
  },
  'too-large': {
    status: 413,
    code: 'FLATEND_GATEWAY_BODY_TOO_LARGE',
    text: 'The request is larger than the service takes.',
  },
  denied: {
    status: 403,
    code: 'FLATEND_GATEWAY_DENIED',
    text: 'The service is not open to this gateway.',
  },
}

/** The problem a failed call is; its own message only where it was written for callers. */
export function problemOf(failure: CallFailure): Problem {
  const { text, ...known } = FAILURES[failure.kind] ?? FAILED
  return { ...known, detail: failure.expose ? failure.message : text }
}

/** Headers and body of a problem: RFC 9457, or plain text where Accept prefers it. */
export function renderProblem(
  problem: Problem,
  requestId: string,
  accept: string | undefined,
): { readonly headers: readonly string[]; readonly body: Uint8Array } {
  const title = TITLES[problem.status] ?? 'Error'
  const text = prefersText(accept)
  const body = text
    ? `${problem.status} ${title}\n${problem.detail}\n`
    : JSON.stringify({
        type: 'about:blank',
        title,
        status: problem.status,
        detail: problem.detail,
        code: problem.code,
        requestId,
      })
  const type = text ? 'text/plain; charset=utf-8' : 'application/problem+json'
  const headers = ['content-type', type, 'cache-control', 'no-store', ...(problem.headers ?? [])]
  return { headers, body: utf8(body) }
}

/** Whether Accept gives text/plain more weight than JSON (RFC 9110 §12.5.1). */
function prefersText(accept: string | undefined): boolean {
  if (accept === undefined) return false
  const json = Math.max(
    weightOf(accept, ['application/problem+json', 'application/*', '*/*']),
    weightOf(accept, ['application/json', 'application/*', '*/*']),
  )
  return weightOf(accept, ['text/plain', 'text/*', '*/*']) > json
}

/** The weight of the first of `ranges` that Accept names, the most exact first; 0 without. */
function weightOf(accept: string, ranges: readonly string[]): number {
  const weights = new Map<string, number>()
  for (const item of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = item.split(';').map((piece) => piece.trim())
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    const weight = q === undefined ? 1 : Number(q.slice(2))
    weights.set(range, Number.isFinite(weight) ? weight : 0)
  }
  for (const range of ranges) {
    const weight = weights.get(range)
    if (weight !== undefined) return weight
  }
  return 0
}
