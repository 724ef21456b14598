import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requestFields } from '../src/transfer/request-fields.ts'
import { TestExchange } from './support/exchange.ts'
import { bytes, start } from './support/harness.ts'

const ROUTES = `
[[http.routes]]
path = "POST /a/:id/*rest"
service = "a"
[[http.routes]]
path = "GET /a"
service = "a"
`
const PROTOCOL = ':method :path :query :scheme :authority :peer :request-id'.split(' ')
const HOP = new Set(
  'connection keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' '),
)

function names(fields: readonly string[]): readonly string[] {
  return fields.filter((_, index) => index % 2 === 0)
}

describe('the namespaces of a call', () => {
  const name = fc.oneof(
    fc.constantFrom(':method', ':peer', ':x', 'params.id', 'params.', 'query.a', 'query.evil'),
    fc.constantFrom(...HOP, 'cookie', 'param', 'query', 'x-hop', 'constructor', '__proto__'),
    fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
  )
  const value = fc.string({ unit: 'binary', maxLength: 40 })
  const headers = fc.array(fc.tuple(name, value), { maxLength: 20 })
  const piece = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  const terms = fc.array(fc.tuple(piece, fc.string({ unit: 'grapheme' })), { maxLength: 8 })

  it('never mix, and what was sent arrives as it was sent', () => {
    fc.assert(
      fc.property(headers, terms, piece, (pairs, search, id) => {
        const rawQuery = search.map((term) => term.map(encodeURIComponent).join('=')).join('&')
        const exchange = new TestExchange({ headers: pairs.flat(), query: rawQuery, path: '/x' })
        const fields = requestFields({ exchange, params: ['id', id], requestId: 'r' })
        if ('status' in fields) throw new Error(fields.detail)
        const hop = new Set(HOP)
        for (const [header, text] of pairs) {
          if (header === 'connection') {
            for (const token of text.split(',')) hop.add(token.trim().toLowerCase())
          }
        }
        hop.delete('close')
        hop.delete('')
        const passed = pairs.filter(
          ([header]) => !hop.has(header) && !/^(:|params\.|query\.)/.test(header),
        )
        const last = new Map(search.map(([key, text]) => [`query.${key.toLowerCase()}`, text]))
        const own = ['GET', '/x', rawQuery, 'http', 'example.org', '192.0.2.7', 'r']
        const expected = PROTOCOL.flatMap((field, i) => [field, own[i]])
        expected.push('params.id', id, ...[...last].flat(), ...passed.flat())
        expect(fields).toEqual(expected)
      }),
    )
  })

  it('take any raw query without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'&=%+aB4.é'.split('')) }), (rawQuery) => {
        const exchange = new TestExchange({ query: rawQuery })
        const fields = requestFields({ exchange, params: [], requestId: 'r' })
        if ('status' in fields) throw new Error(fields.detail)
        const given = names(fields).filter((field) => !PROTOCOL.includes(field))
        expect(given.every((field) => field.startsWith('query.') && field.length > 6)).toBe(true)
        expect(new Set(given).size).toBe(given.length)
        expect(fields[fields.indexOf(':query') + 1]).toBe(rawQuery)
      }),
    )
  })

  it.each([
    ['a=1&a=2&A=3', ['query.a', '3']],
    ['a', ['query.a', '']],
    ['a=b=c', ['query.a', 'b=c']],
    ['=x&&', []],
    ['a=100%', ['query.a', '100%']],
    ['a+b=%2B+', ['query.a b', '+ ']],
    ['constructor=1&__proto__=2', ['query.constructor', '1', 'query.__proto__', '2']],
  ])('reads the query %s', (query, expected) => {
    const exchange = new TestExchange({ query })
    const fields = requestFields({ exchange, params: [], requestId: 'r' }) as readonly string[]
    expect(fields.slice(PROTOCOL.length * 2)).toEqual(expected)
  })
})

describe('a request that just fits a call', () => {
  it.each([
    ['128 fields', { headers: Array.from({ length: 121 }, (_, i) => [`h${i}`, '']).flat() }],
    ['a value', { headers: ['a', 'x'.repeat(8_192)] }],
    ['a name', { headers: ['a'.repeat(255), ''] }],
    ['much', { headers: ['a', 'b', 'c', 'd'].flatMap((n) => [n, 'x'.repeat(8_000)]) }],
    ['64 names', { query: Array.from({ length: 64 }, (_, i) => `q${i}`).join('&') }],
    ['one name often', { query: Array.from({ length: 500 }, () => 'q=1').join('&') }],
  ])('%s', async (_, input) => {
    const { send, caller } = await start(ROUTES)
    send({ path: '/a', ...input })
    expect(caller.calls).toHaveLength(1)
  })
})

describe('a request that is too large for a call', () => {
  it.each([
    ['129 fields', { headers: Array.from({ length: 122 }, (_, i) => [`h${i}`, '']).flat() }, 431],
    ['a longer value', { headers: ['a', 'x'.repeat(8_193)] }, 431],
    ['a value with more bytes than characters', { headers: ['a', 'é'.repeat(4_097)] }, 431],
    ['a longer name', { headers: ['a'.repeat(256), ''] }, 431],
    ['all', { headers: ['a', 'b', 'c', 'd', 'e'].flatMap((n) => [n, 'x'.repeat(7_000)]) }, 431],
    ['65 names', { query: Array.from({ length: 65 }, (_, i) => `q${i}`).join('&') }, 414],
    ['a long query', { query: `q=${'x'.repeat(8_192)}` }, 414],
    ['a long name in the query', { query: 'x'.repeat(250) }, 414],
  ])('%s', async (_, input, status) => {
    const { send, caller, events } = await start(ROUTES)
    const exchange = send({ path: '/a', ...input })
    expect(caller.calls).toEqual([])
    expect(exchange.status).toBe(status)
    const code = status === 414 ? 'ADDRESS_TOO_LONG' : 'FIELDS_TOO_LARGE'
    expect(exchange.json()).toMatchObject({ status, code: `FLATEND_GATEWAY_${code}` })
    expect(exchange.json()['detail']).toMatch(/at most|more than/)
    expect(events).toMatchObject([{ status }])
  })

  it('counts parameters of the path to the address', async () => {
    const { send } = await start(ROUTES)
    const path = `/a/${'x'.repeat(8_100)}/${'y'.repeat(100)}`
    expect(send({ method: 'POST', path }).status).toBe(414)
  })
})

describe('the request id', () => {
  it.each(['abc-1', '4bf92f3577b34da6a3ce929d0e0e4736', 'a.b:c/d+e=f@g_h'])(
    '%s is kept',
    async (id) => {
      const { send, caller, events } = await start(ROUTES)
      send({ path: '/a', headers: ['x-request-id', id] })
      expect(caller.last.fields(':request-id')).toEqual([id])
      expect(caller.last.fields('x-request-id')).toEqual([id])
      caller.last.sink.end()
      expect(events).toMatchObject([{ requestId: id }])
    },
  )

  it.each(['', 'a b', 'é', 'x'.repeat(129), '"}'])('%j is replaced', async (id) => {
    const { send, caller } = await start(ROUTES)
    send({ path: '/a', headers: ['x-request-id', id] })
    expect(caller.last.fields(':request-id')).toEqual(['800000800000-0'])
  })

  it('is another for each request', async () => {
    const { send, caller } = await start(ROUTES)
    const ids = [send, send, send].map((one) => {
      one({ path: '/a' })
      return caller.last.fields(':request-id')[0]
    })
    expect(new Set(ids).size).toBe(3)
  })
})

it('keeps a body of a route with a rest', async () => {
  const { send, caller } = await start(ROUTES)
  send({ method: 'POST', path: '/a/1/b%20c/d', body: [bytes('x')] })
  expect(caller.last.fields('params.id')).toEqual(['1'])
  expect(caller.last.fields('params.rest')).toEqual(['/b c/d'])
  expect(caller.last.fields('content-length')).toEqual(['1'])
})
