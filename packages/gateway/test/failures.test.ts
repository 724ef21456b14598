import { describe, expect, it } from 'vitest'
import { bytes, failure, start } from './support/harness.ts'

const ROUTES = `
[[http.routes]]
path = "GET /hello/:name"
service = "hello"
[[http.routes]]
path = "POST /up"
services = ["a", "b"]
timeout = "2s"
body_size = 10
[[http.routes]]
path = "PUT /up"
service = "a"
[[http.routes]]
path = "GET /fresh"
service = "fresh"
nocache = true
`

describe('a call that fails', () => {
  it('before it began, since its fields do not fit, is 431', async () => {
    const { send, caller, events } = await start(ROUTES)
    caller.answer = () => {
      throw Object.assign(new Error('too many'), failure('too-large'))
    }
    const exchange = send({ path: '/hello/x' })
    expect(exchange.status).toBe(431)
    expect(JSON.parse(exchange.text())).toMatchObject({ code: 'FLATEND_GATEWAY_FIELDS_TOO_LARGE' })
    expect(events).toMatchObject([{ status: 431 }])
  })

  it.for([
    ['no-provider', 503, 'NO_PROVIDER', '1'],
    ['not-found', 503, 'NO_PROVIDER', '1'],
    ['overloaded', 503, 'OVERLOADED', '1'],
    ['shutting-down', 503, 'OVERLOADED', '1'],
    ['refused', 503, 'OVERLOADED', '1'],
    ['deadline', 504, 'DEADLINE', undefined],
    ['too-large', 413, 'BODY_TOO_LARGE', undefined],
    ['denied', 403, 'DENIED', undefined],
    ['handler', 502, 'PROVIDER_FAILED', undefined],
    ['disconnected', 502, 'PROVIDER_FAILED', undefined],
    ['cancelled', 502, 'PROVIDER_FAILED', undefined],
    ['flow-control', 502, 'PROVIDER_FAILED', undefined],
  ] as const)('%s is %i', async ([kind, status, code, retry]) => {
    const { send, caller, events } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.fail(failure(kind))
    expect(exchange.status).toBe(status)
    expect(exchange.header('retry-after')).toBe(retry)
    expect(exchange.header('content-type')).toBe('application/problem+json')
    expect(exchange.json()).toMatchObject({ status, code: `FLATEND_GATEWAY_${code}` })
    expect(exchange.text()).not.toContain('what really happened')
    expect(events).toMatchObject([
      { status, aborted: false, reason: 'FLATEND_RPC_TEST: what really happened' },
    ])
  })

  it('tells what was written for callers', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.fail(failure('handler', true))
    expect(exchange.json()).toMatchObject({ detail: 'what really happened' })
  })

  it('after its head was held back is still a clear error', async () => {
    const { send, caller, tick } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.response(200, [])
    caller.last.sink.data(bytes('abc'))
    caller.last.sink.fail(failure('handler'))
    tick()
    expect(exchange.status).toBe(502)
    expect(caller.last.consumedBytes).toBe(3)
  })

  it('after its head was sent breaks the connection', async () => {
    const { send, caller, tick, events } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.response(200, [])
    tick()
    caller.last.sink.fail(failure('deadline'))
    expect(exchange).toMatchObject({ status: 200, aborted: true, complete: false })
    expect(events).toMatchObject([{ aborted: true, status: 200 }])
  })

  it.each([
    [undefined, 'application/problem+json'],
    ['*/*', 'application/problem+json'],
    ['text/html, */*;q=0.8', 'application/problem+json'],
    ['text/plain', 'text/plain; charset=utf-8'],
    ['application/json;q=0.1, text/*', 'text/plain; charset=utf-8'],
    ['text/plain;q=x, application/json', 'application/problem+json'],
  ])('answers Accept %s with %s', async (accept, type) => {
    const { send, caller } = await start(ROUTES)
    const headers = accept === undefined ? [] : ['accept', accept]
    const exchange = send({ path: '/hello/x', headers })
    caller.last.sink.fail(failure('deadline'))
    expect(exchange.header('content-type')).toBe(type)
    expect(exchange.text()).toContain('did not answer in time')
  })
})
