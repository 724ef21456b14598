import type { ListenerConfig } from './config/types.ts'
import type { Exchange } from './driver.ts'
import { isPreflight, preflightHeaders } from './edge/cors.ts'
import { EdgeExchange } from './edge/edge-exchange.ts'
import { originOf } from './edge/proxies.ts'
import { withQuery } from './edge/redirect.ts'
import { callOfGrpc, exposingStatus, speakGrpc } from './grpc/open.ts'
import type { ListenerRoutes } from './listener-routes.ts'
import { edgeOf, lead, overLimit, runRoute } from './run-route.ts'
import { attempt } from './transfer/attempt.ts'
import type { Problem } from './transfer/problem.ts'
import { type Environment, headerOf, RequestRecord } from './transfer/request-record.ts'

const NO_ROUTE: Problem = {
  status: 404,
  code: 'FLATEND_GATEWAY_NO_ROUTE',
  detail: 'Nothing is served at this path.',
}

/** What a listener answers by, replaced as one by a reload. */
export interface ServedRoutes {
  readonly listener: ListenerConfig
  readonly routes: ListenerRoutes
}

/** Answers one request. Never throws. */
export function answerExchange(
  environment: Environment,
  { listener, routes }: ServedRoutes,
  exchange: Exchange,
): void {
  const record = new RequestRecord(environment, listener, atEdge(listener, exchange))
  attempt(record, () => {
    const over = overLimit(record, listener.rateLimit)
    if (over === undefined) answer(record, routes)
    else turnAway(record, over)
  })
}

/** The request as proxies say it is, its answers with what is to be said of origins. */
function atEdge({ trustedProxies, cors }: ListenerConfig, exchange: Exchange): Exchange {
  if (trustedProxies === undefined && cors === undefined) return exchange
  const origin = trustedProxies === undefined ? exchange : originOf(exchange, trustedProxies)
  const edge = new EdgeExchange(exchange, origin)
  edge.cors = cors
  return edge
}

/** Refuses a request that has no route, in the words of its client: of gRPC, it gets a status. */
function turnAway(record: RequestRecord, problem: Problem): void {
  const kind = callOfGrpc(record.exchange)
  if (kind !== undefined) {
    const { cors } = record.listener
    if (cors !== undefined) edgeOf(record).cors = exposingStatus(cors)
    speakGrpc(record, { kind, maxMessage: 0 })
  }
  record.refuse(problem)
}

/** Whether the request asks what a route may be used for, and was told so. */
function answeredPreflight(record: RequestRecord, routes: ListenerRoutes): boolean {
  if (!isPreflight(record.exchange)) return false
  const { headers, rawPath } = record.exchange
  const method = headerOf(headers, 'access-control-request-method') ?? ''
  const routing = routes.find(method, rawPath)
  const target = routing.kind === 'match' ? routing.target : undefined
  const cors = target?.config.cors ?? record.listener.cors
  if (target === undefined || cors === undefined) return false
  record.route = target
  const edge = edgeOf(record)
  edge.cors = cors
  record.status = 204
  edge.respond(204, preflightHeaders(cors, edge), { end: true })
  edge.body.cancel()
  record.finish()
  return true
}

function answer(record: RequestRecord, routes: ListenerRoutes): void {
  if (answeredPreflight(record, routes)) return
  const { exchange } = record
  const routing = routes.find(exchange.method, exchange.rawPath)
  switch (routing.kind) {
    case 'match':
      record.route = routing.target
      runRoute(record, routing.target, routing.params)
      break
    case 'redirect':
      lead(record, routing.status, withQuery(routing.path, exchange.rawQuery))
      break
    case 'options':
      record.status = 204
      exchange.respond(204, ['allow', routing.allow], { end: true })
      exchange.body.cancel()
      record.finish()
      break
    case 'wrong-method':
      turnAway(record, {
        status: 405,
        code: 'FLATEND_GATEWAY_METHOD',
        detail: `This path takes ${routing.allow}.`,
        headers: ['allow', routing.allow],
      })
      break
    case 'malformed':
      turnAway(record, { status: 400, code: 'FLATEND_GATEWAY_MALFORMED', detail: routing.detail })
      break
    case 'none':
      turnAway(record, NO_ROUTE)
      break
  }
}
