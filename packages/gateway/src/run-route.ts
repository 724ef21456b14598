import { CompressingExchange } from './compress/exchange.ts'
import type { CompressConfig } from './config/compress.ts'
import { AuthCall } from './edge/auth-call.ts'
import { EdgeExchange } from './edge/edge-exchange.ts'
import type { RateLimit } from './edge/rate-limit.ts'
import { locationOf } from './edge/redirect.ts'
import { exposingStatus, openGrpc } from './grpc/open.ts'
import type { RouteTarget } from './listener-routes.ts'
import { serveStatic } from './static/serve.ts'
import { attempt } from './transfer/attempt.ts'
import { CONDITIONAL, ignoredOf } from './transfer/no-cache.ts'
import type { Problem } from './transfer/problem.ts'
import { requestFields } from './transfer/request-fields.ts'
import type { RequestRecord } from './transfer/request-record.ts'
import { Transfer } from './transfer/transfer.ts'
import { callSocket, refusesSocket } from './web-socket/answer.ts'
import { HANDSHAKE } from './web-socket/handshake.ts'

const EMPTY = new Uint8Array(0)
const NOTHING: readonly string[] = []
/** A request that is asked about has no body, and its answer is no page that may be known already. */
const NOT_ASKED: ReadonlySet<string> = new Set([
  ...CONDITIONAL,
  'content-length',
  'expect',
  'range',
])

/** Answers a request by the route it matches. */
export function runRoute(
  record: RequestRecord,
  target: RouteTarget,
  params: readonly string[],
): void {
  const { cors, headers, auth, rateLimit, cache, grpc } = target.config
  if ([cors, headers, auth, cache, grpc].some((one) => one !== undefined)) {
    const edge = edgeOf(record)
    edge.cors = cors ?? edge.cors
    if (grpc !== undefined) edge.cors = exposingStatus(edge.cors)
    edge.edits = headers
    edge.cache = cache
  }
  const call = grpc === undefined ? HTTP : openGrpc(record, grpc)
  if (call === undefined) return
  const over = overLimit(record, rateLimit)
  if (over !== undefined) {
    record.refuse(over)
    return
  }
  const timeoutMs = leastOf(target.config.timeoutMs, call.timeoutMs)
  const matched = { target, params, timeoutMs }
  if (auth === undefined) serve(record, matched, NOTHING)
  else askFirst(record, matched, auth)
}

/** The record's exchange, made fit for changes of its answers. */
export function edgeOf(record: RequestRecord): EdgeExchange {
  const { exchange } = record
  const edge = exchange instanceof EdgeExchange ? exchange : new EdgeExchange(exchange)
  record.exchange = edge
  return edge
}

/** What a client that asks for too much is to be told; counts the request. */
export function overLimit(
  record: RequestRecord,
  limit: RateLimit | undefined,
): Problem | undefined {
  if (limit === undefined) return undefined
  const { env, exchange } = record
  const seconds = env.limiterOf(limit).take(exchange.peer, env.clock.now())
  if (seconds === 0) return undefined
  return {
    status: 429,
    code: 'FLATEND_GATEWAY_RATE_LIMITED',
    detail: 'Too many requests.',
    headers: ['retry-after', String(seconds)],
  }
}

/** Sends the client elsewhere. */
export function lead(record: RequestRecord, status: number, location: string): void {
  record.answer(status, ['location', location], EMPTY)
  record.exchange.body.cancel()
  record.finish()
}

/** A request that gives its call no time of its own. */
const HTTP = { timeoutMs: undefined }

function leastOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

interface Matched {
  readonly target: RouteTarget
  /** Longest time of a call, where it is known. */
  readonly timeoutMs: number | undefined
  readonly params: readonly string[]
}

function askFirst(record: RequestRecord, matched: Matched, service: string): void {
  const fields = fieldsOf(record, matched, NOT_ASKED)
  if (fields === undefined) return
  const pass = (more: readonly string[]): void =>
    attempt(record, () => serve(record, matched, more))
  new AuthCall(record, { service, fields, timeoutMs: matched.timeoutMs, pass }).start()
}

/** @param more - fields beside the request's own */
function serve(record: RequestRecord, matched: Matched, more: readonly string[]): void {
  const { config, compress, root } = matched.target
  const { target } = config
  if (target.kind === 'redirect') {
    lead(record, target.status, locationOf(target.to, matched.params, record.exchange.rawQuery))
    return
  }
  const plain = config.webSocket === undefined && config.grpc === undefined
  if (compress !== undefined && plain) compressAnswer(record, compress)
  if (root !== undefined && target.kind === 'static') {
    record.exchange.body.cancel()
    const path = matched.params.at(-1) ?? '/'
    void serveStatic(record, { root, path, noCache: config.noCache, options: target.options })
    return
  }
  callService(record, matched, more)
}

function compressAnswer(record: RequestRecord, config: CompressConfig): void {
  const { compressors, later } = record.env
  if (compressors === undefined) return
  record.exchange = new CompressingExchange(record.exchange, { config, compressors, later })
}

function callService(record: RequestRecord, matched: Matched, more: readonly string[]): void {
  const { exchange } = record
  const { config, maxBodySize, services } = matched.target
  const { webSocket, noCache, key, retry } = config
  if (webSocket !== undefined && refusesSocket(record, webSocket)) return
  if (exchange.body.length !== undefined && exchange.body.length > maxBodySize) {
    record.refuse({
      status: 413,
      code: 'FLATEND_GATEWAY_BODY_TOO_LARGE',
      detail: `The request body is larger than ${maxBodySize} bytes.`,
    })
    return
  }
  const without =
    webSocket !== undefined ? HANDSHAKE : noCache ? ignoredOf(exchange.headers) : undefined
  const own = fieldsOf(record, matched, without)
  if (own === undefined) return
  const fields = more.length === 0 ? own : [...own, ...more]
  const { timeoutMs } = matched
  const plan = { fields, services, timeoutMs, maxBodySize, noCache, key, retry }
  if (webSocket === undefined) new Transfer(record, plan).start()
  else callSocket(record, plan, webSocket)
}

/** The fields of a call; nothing where they are too many, and the client was told so. */
function fieldsOf(
  record: RequestRecord,
  { params }: Matched,
  without: ReadonlySet<string> | undefined,
): readonly string[] | undefined {
  const { exchange, requestId, trace } = record
  const input = { exchange, requestId, params, trace }
  const fields = requestFields(without === undefined ? input : { ...input, without })
  if (!('status' in fields)) return fields
  const long = fields.status === 414
  const code = long ? 'FLATEND_GATEWAY_ADDRESS_TOO_LONG' : 'FLATEND_GATEWAY_FIELDS_TOO_LARGE'
  record.refuse({ ...fields, code })
  return undefined
}
