import { describe, expect, it } from 'vitest'
import { trailersFrame } from '../../src/grpc/frames.ts'
import { PrometheusText } from '../../src/metrics/prometheus.ts'
import { createRequestMetrics } from '../../src/metrics/request-metrics.ts'
import { writeRequests } from '../../src/metrics/write-requests.ts'
import { bytes, failure, type Harness, start } from '../support/harness.ts'

const route = (more: string): string => `[[http.routes]]
path = "POST /a.B/*method"
service = "a"
grpc = "web"
${more}
`
const ORIGIN = ['origin', 'https://app.test']
const CORS = 'cors = { origins = ["https://app.test"], expose = ["x-more"] }\n'
const call = (type = 'application/grpc-web+proto', ...more: string[]) => ({
  method: 'POST',
  path: '/a.B/C',
  headers: ['content-type', type, ...more],
  body: [new Uint8Array(5)],
})

/** Answers the last call: no message, status 0. */
function answer({ caller }: Harness): void {
  caller.last.sink.response(200, ['content-type', 'application/grpc', 'x-from', 'service'])
  caller.last.sink.data(trailersFrame(['grpc-status', '0']))
  caller.last.sink.end()
}

describe('what the edge decides holds for routes of gRPC', () => {
  it.each([
    ['the listener', (more: string) => more + route('')],
    ['the route', route],
  ])('CORS of %s: answers, errors, preflights', async (_, around) => {
    const harness = await start(around(CORS))
    const { send, caller } = harness
    const preflight = send({
      method: 'OPTIONS',
      path: '/a.B/C',
      headers: [
        ...ORIGIN,
        'access-control-request-method',
        'POST',
        'access-control-request-headers',
        'content-type,x-grpc-web,grpc-timeout',
      ],
    })
    expect(preflight.status).toBe(204)
    expect(preflight.header('access-control-allow-origin')).toBe('https://app.test')
    expect(preflight.header('access-control-allow-methods')).toBe('POST')
    expect(preflight.header('access-control-allow-headers')).toContain('grpc-timeout')
    const good = send(call(undefined, ...ORIGIN))
    answer(harness)
    const exposed = 'x-more, grpc-status, grpc-message, grpc-status-details-bin'
    expect(good.header('access-control-expose-headers')).toBe(exposed)
    expect(good.header('access-control-allow-origin')).toBe('https://app.test')
    const refused = send(call('application/json', ...ORIGIN))
    expect([refused.status, refused.header('access-control-allow-origin')]).toEqual([
      415,
      'https://app.test',
    ])
    expect(caller.calls).toHaveLength(1)
  })

  it('rate limits, as UNAVAILABLE with the time to wait', async () => {
    const { send, caller, events } = await start(route('rate_limit = { requests = 1, per = "1h" }'))
    send(call())
    const exchange = send(call())
    expect([exchange.status, exchange.header('grpc-status')]).toEqual([200, '14'])
    expect(exchange.header('retry-after')).toBeDefined()
    expect(caller.calls).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({
      reason: 'FLATEND_GATEWAY_RATE_LIMITED',
      route: '/a.B/*method',
      grpcStatus: 14,
    })
  })

  it('auth: who is not let in gets a status, who is gets its call', async () => {
    const harness = await start(route('auth = "door"'))
    const { send, caller } = harness
    const refused = send(call(undefined, 'authorization', 'no', 'grpc-timeout', '3S'))
    expect(caller.last.request).toMatchObject({ services: ['door'], timeoutMs: 3_000 })
    caller.last.sink.response(401, ['content-type', 'application/json'])
    caller.last.sink.data(bytes('{"title":"who are you?"}'))
    caller.last.sink.end()
    expect([refused.status, refused.header('grpc-status')]).toEqual([200, '16'])
    expect(refused.header('grpc-message')).toBe('who are you?')
    const taken = send(call(undefined, 'authorization', 'yes'))
    caller.last.sink.response(200, ['auth-user', 'ada'])
    caller.last.sink.end()
    expect(caller.last.request.services).toEqual(['a'])
    expect(caller.last.fields(':auth.user')).toEqual(['ada'])
    answer(harness)
    expect(taken.header('x-from')).toBe('service')
    const left = send(call())
    left.close()
    expect(caller.last.cancelled).toBe('client closed')
  })

  it('edits of headers, and the size of a body', async () => {
    const edits = 'headers = { set = ["x-frame: no"], remove = ["x-from"] }\nbody_size = 4'
    const harness = await start(route(edits))
    const large = harness.send(call())
    expect(large.header('grpc-status')).toBe('8')
    expect(large.header('x-frame')).toBe('no')
    const exchange = harness.send({ ...call(), body: [] })
    answer(harness)
    expect([exchange.header('x-from'), exchange.header('x-frame')]).toEqual([undefined, 'no'])
  })

  it('fields that do not fit a call', async () => {
    const { send } = await start(route(''))
    const exchange = send(call(undefined, ...Array<string>(400).fill('x-a')))
    expect(exchange.header('grpc-status')).toBe('8')
  })

  it('counts calls by the status of gRPC, whoever gave it', async () => {
    const metrics = createRequestMetrics()
    const harness = await start(route(''), { metrics })
    harness.send(call())
    answer(harness)
    harness.tick()
    harness.send(call())
    harness.caller.last.sink.fail(failure('no-provider'))
    const text = new PrometheusText()
    writeRequests(text, metrics.routes)
    const lines = text.toString().split('\n')
    const found = lines.filter((line) => line.startsWith('flatend_grpc_requests_total'))
    const label = 'route="/a.B/*method"'
    expect(found).toEqual([
      `flatend_grpc_requests_total{${label},grpc_status="0"} 1`,
      `flatend_grpc_requests_total{${label},grpc_status="14"} 1`,
    ])
  })
})
