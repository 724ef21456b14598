import { Node } from '@flatend/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { curl, valuesOf } from '../support/curl.ts'
import { drivers, gatewayForTest } from '../support/gateway.ts'

const LISTENER = `trusted_proxies = ["127.0.0.1"]
[http.cors]
origins = ["https://example.org"]`

const ROUTES = `
[[http.routes]]
path = "GET /who/:id"
methods = ["PUT"]
service = "who"
auth = "guard"
headers = { set = ["x-frame-options: DENY"] }

[[http.routes]]
path = "GET /old/:id"
redirect = "/who/:id"

[[http.routes]]
path = "GET /seldom"
service = "who"
rate_limit = { requests = 1, per = "1h" }
`

describe.each(drivers)('driver %s', (driver) => {
  test('what curl sees of proxies, origins, guards, limits and redirects', async () => {
    const gateway = await gatewayForTest({ driver, listener: LISTENER, config: ROUTES })
    const node = await Node.start({
      addrs: [gateway.mesh],
      services: {
        guard: (ctx) => {
          const { authorization } = ctx.headers
          if (authorization !== 'Bearer ada') {
            ctx.status(401).send('who are you')
            return
          }
          ctx.header('auth-user', 'ada').send()
        },
        who: async (ctx) => {
          const { ':peer': peer, ':scheme': scheme, ':authority': host } = ctx.headers
          ctx.json([peer, scheme, host, ctx.headers[':auth.user'], String(await ctx.body())])
        },
      },
    })
    onTestFinished(() => node.shutdown())
    const ask = (path: string, ...args: readonly string[]) => curl(gateway.url + path, args)

    expect(await ask('/who/7', '-d', 'x', '-X', 'PUT')).toMatchObject({
      status: 401,
      body: 'who are you',
    })
    const proxied = ['X-Forwarded-For: 1.1.1.1, 203.0.113.9', 'X-Forwarded-Proto: https']
    const headers = ['Authorization: Bearer ada', 'Origin: https://example.org', 'auth-user: eve']
    const list = [...proxied, ...headers].flatMap((header) => ['-H', header])
    const answer = await ask('/who/7', '-X', 'PUT', '-d', 'a body', ...list)
    const host = gateway.url.slice('http://'.length)
    expect(JSON.parse(answer.body)).toEqual(['203.0.113.9', 'https', host, 'ada', 'a body'])
    expect(valuesOf(answer, 'access-control-allow-origin')).toEqual(['https://example.org'])
    expect(valuesOf(answer, 'x-frame-options')).toEqual(['DENY'])

    const asked = ['Origin: https://example.org', 'Access-Control-Request-Method: PUT']
    const preflight = await ask('/who/7', '-X', 'OPTIONS', ...asked.flatMap((one) => ['-H', one]))
    expect(preflight.status).toBe(204)
    expect(valuesOf(preflight, 'access-control-allow-methods')).toEqual(['PUT'])

    const moved = await ask('/old/a%20b?x=1')
    expect([moved.status, valuesOf(moved, 'location')]).toEqual([308, ['/who/a%20b?x=1']])

    expect((await ask('/seldom')).status).toBe(200)
    const limited = await ask('/seldom')
    expect([limited.status, valuesOf(limited, 'retry-after')]).toEqual([429, ['3600']])
    expect((await ask('/seldom', '-H', 'X-Forwarded-For: 203.0.113.9')).status).toBe(200)
  })
})
