import { describe, expect, it } from 'vitest'
import type { TestExchange } from '../support/exchange.ts'
import { start } from '../support/harness.ts'

const LISTENER = `rate_limit = { requests = 3, per = "1h" }
[[http.routes]]
path = "GET /page"
service = "pages"
`

const at = (path: string, type = 'application/grpc+proto') => ({
  method: 'POST',
  path,
  httpVersion: '2.0' as const,
  headers: ['content-type', type],
  body: [new Uint8Array(5)],
})

const from = (type: string) => ['content-type', type, 'origin', 'https://app.test']
const statusOf = (exchange: TestExchange): string | undefined => exchange.header('grpc-status')

describe('a call of gRPC that finds no route', () => {
  it('is told so by a status, and by HTTP where it is none', async () => {
    const { send, caller, events } = await start(LISTENER)
    const [none, method, ...others] = [
      send(at('/c.D/E')),
      send(at('/page')),
      send({ ...at('/c.D/E'), method: 'PUT' }),
      send(at('/c.D/E')),
      send(at('/c.D/E', 'application/json')),
    ]
    expect(none).toMatchObject({ status: 200, complete: true })
    expect(none.options).toEqual({ end: true })
    expect(none.sent.slice(0, 6)).toEqual([
      'content-type',
      'application/grpc+proto',
      'grpc-status',
      '12',
      'grpc-message',
      'Nothing is served at this path.',
    ])
    expect([statusOf(method), method.header('allow')]).toEqual(['12', 'GET, HEAD, OPTIONS'])
    expect(others.map((exchange) => exchange.status)).toEqual([404, 200, 429])
    expect(statusOf(others[1])).toBe('14')
    expect(others[1]?.header('retry-after')).toBeDefined()
    expect(caller.calls).toHaveLength(0)
    expect(events.map(({ grpcStatus, reason }) => [grpcStatus, reason])).toEqual([
      [12, 'FLATEND_GATEWAY_NO_ROUTE'],
      [12, 'FLATEND_GATEWAY_METHOD'],
      [undefined, 'FLATEND_GATEWAY_NO_ROUTE'],
      [14, 'FLATEND_GATEWAY_RATE_LIMITED'],
      [undefined, 'FLATEND_GATEWAY_RATE_LIMITED'],
    ])
  })

  it('of gRPC-Web too, so that a page may read it; not of gRPC over HTTP/1.1', async () => {
    const { send } = await start('cors = { origins = ["https://app.test"] }\n')
    const web = send({ ...at('/c.D/E'), headers: from('application/grpc-web') })
    expect([web.status, statusOf(web), web.options.length]).toEqual([200, '12', 0])
    expect(web.header('content-type')).toBe('application/grpc-web')
    expect(web.header('access-control-expose-headers')).toContain('grpc-status')
    const old = { ...at('/c.D/E'), httpVersion: '1.1' as const }
    expect(send(old).json()).toMatchObject({ status: 404 })
    const page = send({ ...at('/c.D/E'), headers: from('text/plain') })
    expect([page.status, page.header('access-control-expose-headers')]).toEqual([404, undefined])
  })
})
