import { CompressingExchange } from './compress/exchange.ts'
import type { CompressConfig } from './config/compress.ts'
import type { Exchange } from './driver.ts'
import type { ListenerRoutes, RouteTarget } from './listener-routes.ts'
import { serveStatic } from './static/serve.ts'
import { CONDITIONAL } from './transfer/no-cache.ts'
import type { Problem } from './transfer/problem.ts'
import { requestFields } from './transfer/request-fields.ts'
import { type Environment, RequestRecord } from './transfer/request-record.ts'
import { Transfer } from './transfer/transfer.ts'
import { callSocket, refusesSocket } from './web-socket/answer.ts'
import { HANDSHAKE } from './web-socket/handshake.ts'

const EMPTY = new Uint8Array(0)
const NO_ROUTE: Problem = {
  status: 404,
  code: 'FLATEND_GATEWAY_NO_ROUTE',
  detail: 'Nothing is served at this path.',
}

/** Answers one request. Never throws. */
export function answerExchange(
  environment: Environment,
  routes: ListenerRoutes,
  exchange: Exchange,
): void {
  const record = new RequestRecord(environment, exchange)
  try {
    answer(record, routes)
  } catch (error) {
    environment.log.error({ error, requestId: record.requestId }, 'a request could not be handled')
    fallBack(record)
  }
}

function answer(record: RequestRecord, routes: ListenerRoutes): void {
  const { exchange } = record
  const routing = routes.find(exchange.method, exchange.rawPath)
  switch (routing.kind) {
    case 'match':
      record.route = routing.target
      run(record, routing.target, routing.params)
      break
    case 'redirect':
      redirect(record, routing.status, routing.path)
      break
    case 'options':
      record.status = 204
      exchange.respond(204, ['allow', routing.allow], { end: true })
      exchange.body.cancel()
      record.finish()
      break
    case 'wrong-method':
      record.refuse({
        status: 405,
        code: 'FLATEND_GATEWAY_METHOD',
        detail: `This path takes ${routing.allow}.`,
        headers: ['allow', routing.allow],
      })
      break
    case 'malformed':
      record.refuse({ status: 400, code: 'FLATEND_GATEWAY_MALFORMED', detail: routing.detail })
      break
    case 'none':
      record.refuse(NO_ROUTE)
      break
  }
}

function run(record: RequestRecord, target: RouteTarget, params: readonly string[]): void {
  const { config, root, compress } = target
  if (compress !== undefined && config.webSocket === undefined) compressAnswer(record, compress)
  if (root !== undefined && config.target.kind === 'static') {
    record.exchange.body.cancel()
    const path = params.at(-1) ?? '/'
    const { options } = config.target
    void serveStatic(record, { root, path, noCache: config.noCache, options })
    return
  }
  callService(record, target, params)
}

function callService(record: RequestRecord, target: RouteTarget, params: readonly string[]): void {
  const { exchange, requestId } = record
  const { config, maxBodySize, services } = target
  const { webSocket, timeoutMs, noCache } = config
  if (webSocket !== undefined && refusesSocket(record, webSocket)) return
  if (exchange.body.length !== undefined && exchange.body.length > maxBodySize) {
    record.refuse({
      status: 413,
      code: 'FLATEND_GATEWAY_BODY_TOO_LARGE',
      detail: `The request body is larger than ${maxBodySize} bytes.`,
    })
    return
  }
  const without = webSocket !== undefined ? HANDSHAKE : noCache ? CONDITIONAL : undefined
  const input = { exchange, requestId, params }
  const fields = requestFields(without === undefined ? input : { ...input, without })
  if ('status' in fields) {
    const long = fields.status === 414
    const code = long ? 'FLATEND_GATEWAY_ADDRESS_TOO_LONG' : 'FLATEND_GATEWAY_FIELDS_TOO_LARGE'
    record.refuse({ ...fields, code })
    return
  }
  const plan = { fields, services, timeoutMs, maxBodySize, noCache }
  if (webSocket === undefined) new Transfer(record, plan).start()
  else callSocket(record, plan, webSocket)
}

function compressAnswer(record: RequestRecord, config: CompressConfig): void {
  const { compressors, later } = record.env
  if (compressors === undefined) return
  record.exchange = new CompressingExchange(record.exchange, { config, compressors, later })
}

function redirect(record: RequestRecord, status: number, path: string): void {
  const { rawQuery } = record.exchange
  record.answer(status, ['location', rawQuery === '' ? path : `${path}?${rawQuery}`], EMPTY)
  record.exchange.body.cancel()
  record.finish()
}

function fallBack(record: RequestRecord): void {
  if (record.finished) return
  try {
    record.refuse({
      status: 500,
      code: 'FLATEND_GATEWAY_INTERNAL',
      detail: 'The gateway could not handle the request.',
    })
  } catch {
    // Head sent already, or the client is gone: nothing can be said any more.
    record.finish('internal error', true)
  }
}
