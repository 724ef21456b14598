import { describe, expect, test } from 'vitest'
import { parseConfig } from '../src/config/parse.ts'
import { clientOf, inRanges, parseRange } from '../src/edge/ip.ts'
import { RateLimiter } from '../src/edge/rate-limit.ts'
import { locationOf } from '../src/edge/redirect.ts'
import type { CallSink } from '../src/ports.ts'
import { bytes, failure, type Harness, start } from './support/harness.ts'

const ROUTE = '[[http.routes]]\npath = "GET /a"\nservice = "a"\n'
const ok = (sink: CallSink): void => {
  sink.response(200, ['content-type', 'text/plain', 'server', 'mine'])
  sink.end()
}

async function answering(http: string, answer: (sink: CallSink) => void = ok): Promise<Harness> {
  const harness = await start(http)
  harness.caller.answer = answer
  return harness
}

const seen = async (http: string, headers: readonly string[]) => {
  const { send, caller } = await answering(`${http}\n${ROUTE}`)
  send({ path: '/a', headers })
  const { last } = caller
  return [':peer', ':scheme', ':authority'].map((name) => last.fields(name)[0])
}

const from = (origin: string): readonly string[] => ['origin', origin]

describe('trusted_proxies', () => {
  const peers = '"192.0.2.0/24", "10.0.0.0/8"'
  test.each([
    ['of one who is trusted', [], '192.0.2.0/24', '203.0.113.9'],
    ['whose client says more', ['x-forwarded-for', '1.1.1.1'], '192.0.2.0/24', '203.0.113.9'],
    ['of one who is not', [], '10.0.0.0/8', '192.0.2.7'],
  ])('the word of the PROXY protocol %s', async (...[, headers, range, peer]) => {
    const { send, caller } = await answering(`trusted_proxies = ["${range}"]\n${ROUTE}`)
    send({ path: '/a', headers, proxied: '203.0.113.9' })
    expect(caller.last.fields(':peer')).toEqual([peer])
  })

  test('without trusted_proxies the PROXY protocol says nothing', async () => {
    const { send, caller } = await answering(ROUTE)
    send({ path: '/a', proxied: '203.0.113.9' })
    expect(caller.last.fields(':peer')).toEqual(['192.0.2.7'])
  })

  test.each([
    ['one proxy', ['x-forwarded-for', '203.0.113.9'], '203.0.113.9'],
    ['what a client wrote before it', ['x-forwarded-for', '1.1.1.1, 203.0.113.9'], '203.0.113.9'],
    ['several proxies', ['x-forwarded-for', '203.0.113.9, 10.1.1.1'], '203.0.113.9'],
    ['two lines', ['x-forwarded-for', '203.0.113.9', 'x-forwarded-for', '10.1.1.1'], '203.0.113.9'],
    ['with a port', ['x-forwarded-for', '203.0.113.9:4711'], '203.0.113.9'],
    ['IPv6', ['x-forwarded-for', '[2001:db8::1]:80'], '2001:db8::1'],
    ['nonsense', ['x-forwarded-for', '203.0.113.9, unknown'], '192.0.2.7'],
    ['Forwarded where it is not asked for', ['forwarded', 'for=1.1.1.1'], '192.0.2.7'],
  ])('%s', async (_, headers, peer) => {
    expect((await seen(`trusted_proxies = [${peers}]`, headers))[0]).toBe(peer)
  })

  test('scheme and host, and Forwarded', async () => {
    const trusted = `trusted_proxies = [${peers}]`
    const headers = ['x-forwarded-for', '203.0.113.9', 'x-forwarded-proto', 'https']
    const all = [...headers, 'x-forwarded-host', 'evil, example.com:8443']
    expect(await seen(trusted, all)).toEqual(['203.0.113.9', 'https', 'example.com:8443'])
    const element = 'for=1.1.1.1;proto=http, For="[2001:db8::1]:9";proto=https;host=example.com'
    expect(await seen(`${trusted}\nforwarded = true`, ['forwarded', element])).toEqual([
      '2001:db8::1',
      'https',
      'example.com',
    ])
  })

  test('nobody else is believed, and nothing of it is passed on', async () => {
    const { send, caller } = await answering(`trusted_proxies = ["10.0.0.0/8"]\n${ROUTE}`)
    send({ path: '/a', headers: ['x-forwarded-for', '1.1.1.1', 'forwarded', 'for=1.1.1.1'] })
    expect(caller.last.fields(':peer')).toEqual(['192.0.2.7'])
    expect(caller.last.fields('x-forwarded-for')).toEqual([])
    expect(caller.last.fields('forwarded')).toEqual([])
  })

  test('ranges', () => {
    const ranges = ['10.0.0.0/8', 'fd00::/8', '::1'].map((text) => parseRange(text)!)
    for (const inside of ['10.255.0.1', '::ffff:10.0.0.1', 'fdff::1', '::1']) {
      expect([inside, inRanges(inside, ranges)]).toEqual([inside, true])
    }
    for (const outside of ['11.0.0.1', 'fe00::1', '::2', '', '10.0.0', '1:2:3', '10.0.0.0/8']) {
      expect([outside, inRanges(outside, ranges)]).toEqual([outside, false])
    }
    for (const bad of [
      '10.0.0.0/33',
      '10.0.0.0/',
      '::/129',
      ':::',
      '1::2::3',
      '1.2.3.4.5',
      '300.1.1.1',
    ]) {
      expect([bad, parseRange(bad)]).toEqual([bad, undefined])
    }
    expect(parseRange('0.0.0.0/0')).toBeDefined()
    expect(clientOf('2001:db8::1')).toBe(clientOf('2001:db8:0:0:ffff::1'))
    expect(clientOf('2001:db8::1')).not.toBe(clientOf('2001:db8:0:1::1'))
  })
})

describe('rate_limit', () => {
  test('a bucket for each client, refilled by time', () => {
    const limiter = new RateLimiter({ requests: 2, perMs: 1_000, burst: 3 })
    expect([0, 0, 0, 0].map((now) => limiter.take('a', now))).toEqual([0, 0, 0, 1])
    expect(limiter.take('b', 0)).toBe(0)
    expect([500, 500, 1_000].map((now) => limiter.take('a', now))).toEqual([0, 1, 0])
  })

  test('so many clients are remembered and no more', () => {
    const limiter = new RateLimiter({ requests: 1, perMs: 1_000, burst: 1 })
    for (let i = 0; i < 20_000; i++) limiter.take(`10.0.${i >> 8}.${i & 255}`, 0)
    expect(limiter.size).toBe(16_384)
    expect(limiter.take('10.0.78.31', 0)).toBe(1)
  })

  test('too many are 429 with Retry-After, of a listener and of a route', async () => {
    const limit = '[http.rate_limit]\nrequests = 1\nper = "1h"\n'
    const listener = await answering(`${limit}${ROUTE}`)
    listener.send({ path: '/a' })
    const refused = listener.send({ path: '/nowhere' })
    expect([refused.status, refused.header('retry-after')]).toEqual([429, '3600'])
    expect(refused.json()).toMatchObject({ code: 'FLATEND_GATEWAY_RATE_LIMITED' })
    const route = await answering(`${ROUTE}rate_limit = { requests = 1, per = "1h" }`)
    const statuses = ['/a', '/a', '/b'].map((path) => route.send({ path }).status)
    expect(statuses).toEqual([200, 429, 404])
    expect(route.caller.calls).toHaveLength(1)
  })
})

describe('cors', () => {
  const LISTED = '[http.cors]\norigins = ["https://example.org"]\nexpose = ["etag"]\n'
  const PREFLIGHT = ['access-control-request-method', 'GET']

  test('says what may be read, on errors too', async () => {
    const { send } = await answering(LISTED + ROUTE, (sink) => {
      sink.response(200, ['access-control-allow-origin', '*', 'vary', 'Accept'])
      sink.end()
    })
    for (const path of ['/a', '/nowhere']) {
      const answer = send({ path, headers: from('https://example.org') })
      expect(answer.header('access-control-allow-origin')).toBe('https://example.org')
      expect(answer.header('access-control-expose-headers')).toBe('etag')
      expect(answer.header('vary')).toMatch(/Origin$/)
    }
    const other = send({ path: '/a', headers: from('https://example.com') })
    expect([other.status, other.header('access-control-allow-origin')]).toEqual([200, undefined])
    expect(other.header('vary')).toBe('Accept, Origin')
  })

  test('a preflight is answered where there is a route for it', async () => {
    const { send, caller } = await answering(LISTED + ROUTE)
    const headers = [...from('https://example.org'), ...PREFLIGHT]
    const wanted = ['access-control-request-headers', 'x-a']
    const answer = send({ method: 'OPTIONS', path: '/a', headers: [...headers, ...wanted] })
    expect([answer.status, answer.complete]).toEqual([204, true])
    expect(answer.header('access-control-allow-methods')).toBe('GET')
    expect(answer.header('access-control-allow-headers')).toBe('x-a')
    expect(answer.header('access-control-max-age')).toBe('86400')
    expect(answer.header('access-control-allow-origin')).toBe('https://example.org')
    const nowhere = send({ method: 'OPTIONS', path: '/b', headers })
    expect([nowhere.status, nowhere.header('access-control-allow-methods')]).toEqual([
      404,
      undefined,
    ])
    expect(caller.calls).toHaveLength(0)
  })

  test("a route's replaces the listener's", async () => {
    const { send } = await answering(`${LISTED}${ROUTE}cors = { origins = ["*"] }`)
    const answer = send({ path: '/a', headers: from('https://example.com') })
    expect(answer.header('access-control-allow-origin')).toBe('*')
    expect(answer.header('vary')).toBeUndefined()
  })
})

test('headers are set and removed', async () => {
  const headers =
    'headers = { set = ["X-Frame-Options: DENY", "content-type: a/b"], remove = ["Server"] }'
  const { send } = await answering(ROUTE + headers)
  expect(send({ path: '/a' }).sent).toEqual(['x-frame-options', 'DENY', 'content-type', 'a/b'])
})

test('methods', async () => {
  const { send } = await answering(`${ROUTE}methods = ["put", "GET"]`)
  expect(['GET', 'PUT', 'POST'].map((method) => send({ path: '/a', method }).status)).toEqual([
    200, 200, 405,
  ])
})

describe('redirect', () => {
  test('leads to the place, with parameters and query', async () => {
    const { send, caller } = await start(
      '[[http.routes]]\npath = "GET /old/:id/*rest"\nredirect = "https://example.org/new/:id/*rest"\nredirect_status = 301',
    )
    const answer = send({ path: '/old/a%2Fb/c/d', query: 'x=1' })
    expect(answer.status).toBe(301)
    expect(answer.header('location')).toBe('https://example.org/new/a%2Fb/c/d?x=1')
    expect(caller.calls).toHaveLength(0)
  })

  test('no parameter leads to another host', () => {
    expect(locationOf('/*rest', ['rest', '//evil.example'], '')).toBe('/evil.example')
    expect(locationOf('/:a', ['a', '/evil.example'], '')).toBe('/%2Fevil.example')
    expect(locationOf('/a', ['a', 'b\r\nx: y'], '')).toBe('/a')
    expect(locationOf('/:a', ['a', 'b\r\n'], '')).toBe('/b%0D%0A')
  })
})

describe('auth', () => {
  const GUARDED = `[[http.routes]]\npath = "POST /a"\nservice = "a"\nauth = "guard"\n`
  const post = { method: 'POST', path: '/a', body: [bytes('a body')] }

  test('2xx lets pass; what it says no client can say', async () => {
    const { send, caller } = await start(GUARDED)
    const headers = [':auth.user', 'eve', 'auth-user', 'eve', 'if-none-match', '*']
    const exchange = send({ ...post, query: 'q=1', headers })
    const guard = caller.last
    expect(guard.request.services).toEqual(['guard'])
    expect([guard.ended, guard.text(), guard.fields('content-length')]).toEqual([true, '', []])
    expect(guard.fields('if-none-match')).toEqual([])
    expect([guard.fields(':path'), guard.fields(':query')]).toEqual([['/a'], ['q=1']])
    expect(exchange.reads).toBe(0)
    guard.sink.response(204, ['Auth-User', 'ada', 'set-cookie', 'a=b'])
    guard.sink.end()
    const call = caller.last
    expect(call.request.services).toEqual(['a'])
    expect(call.fields('if-none-match')).toEqual(['*'])
    expect([call.fields(':auth.user'), call.fields('auth-user')]).toEqual([['ada'], ['eve']])
    ok(call.sink)
    expect([exchange.status, exchange.header('set-cookie')]).toEqual([200, undefined])
  })

  test('anything else is the answer', async () => {
    const { send, caller, events } = await start(GUARDED)
    const exchange = send(post)
    caller.last.sink.response(401, ['www-authenticate', 'Basic', 'set-cookie', 'a=b'])
    caller.last.sink.data(bytes('who are you'))
    caller.last.sink.end()
    expect([exchange.status, exchange.text()]).toEqual([401, 'who are you'])
    expect(exchange.header('www-authenticate')).toBe('Basic')
    expect(exchange.bodyCancelled).toBe(true)
    expect([caller.calls.length, events.length]).toEqual([1, 1])
  })

  test('nobody passes where it fails, says too much or an impossible status', async () => {
    const { send, caller, gateway } = await start(GUARDED)
    const missing = send(post)
    caller.last.sink.fail(failure('no-provider'))
    const long = send(post)
    caller.last.sink.data(new Uint8Array(65_537))
    expect(caller.last.cancelled).toBeDefined()
    const odd = send(post)
    caller.last.sink.response(101, [])
    caller.last.sink.end()
    expect([missing.status, long.status, odd.status]).toEqual([503, 502, 502])
    expect([caller.calls.length, gateway.inFlight]).toEqual([3, 0])
  })

  test('who leaves meanwhile passes no more; who leaves later ends the call', async () => {
    const { send, caller, gateway } = await start(GUARDED)
    const early = send(post)
    early.close()
    const guard = caller.last
    expect(guard.cancelled).toBe('client closed')
    guard.sink.end()
    expect([caller.calls.length, gateway.inFlight]).toEqual([1, 0])
    const late = send(post)
    caller.last.sink.end()
    late.close()
    expect([caller.calls.length, caller.last.cancelled]).toEqual([3, 'client closed'])
    expect(gateway.inFlight).toBe(0)
  })
})

test.each([
  ['[http.cors]', /origins/],
  ['[http.cors]\norigins = ["example.org"]', /is not an origin/],
  ['[http.cors]\norigins = ["*"]\ncredentials = true', /every page/],
  ['[http.rate_limit]\nper = "1s"', /1 or more/],
  ['trusted_proxies = ["10.0.0.0/99"]', /not a range/],
  [`${ROUTE}methods = ["FETCH"]`, /is not a method/],
  [`${ROUTE}headers = { set = ["a: b\\nc"] }`, /header that can be set/],
  [`${ROUTE}headers = { set = ["Content-Length: 1"] }`, /header that can be set/],
  [`${ROUTE}redirect = "/b"`, /stands beside/],
  ['[[http.routes]]\npath = "GET /a"\nredirect = "//b"', /not a place/],
  ['[[http.routes]]\npath = "GET /a"\nredirect = "/b"\nredirect_status = 200', /is 200/],
])('%s is wrong', (http, message) => {
  expect(() => parseConfig(`[[http]]\n${http}`)).toThrow(message)
})
