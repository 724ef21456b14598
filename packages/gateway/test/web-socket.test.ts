import { describe, expect, it } from 'vitest'
import { encodeClose, encodeRecord, RECORD } from '../src/web-socket/records.ts'
import type { ExchangeInput, TestExchange } from './support/exchange.ts'
import { bytes, failure, type Harness, start } from './support/harness.ts'

const ROUTE = '[[http.routes]]\npath = "GET /chat/:room"\nservice = "chat"\nwebsocket = true\n'
const HANDSHAKE: Readonly<Record<string, string>> = {
  upgrade: 'websocket',
  connection: 'keep-alive, Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const asked = (
  changes: Readonly<Record<string, string>> = {},
  more: ExchangeInput = {},
): ExchangeInput => ({
  path: '/chat/blue',
  upgrades: true,
  ...more,
  headers: Object.entries({ ...HANDSHAKE, ...changes })
    .filter(([, value]) => value !== '')
    .flat(),
})
const text = (message: string): Uint8Array => encodeRecord(RECORD.text, bytes(message))

/** A WebSocket the service took. */
async function opened(
  more: ExchangeInput = {},
): Promise<Harness & { readonly exchange: TestExchange }> {
  const harness = await start(ROUTE)
  const exchange = harness.send(asked({}, more))
  harness.caller.last.sink.response(101, [])
  return { ...harness, exchange }
}

describe('what is no handshake', () => {
  it.each<readonly [string, number, ExchangeInput]>([
    ['no upgrade', 426, asked({ upgrade: '' })],
    ['another protocol', 426, asked({ upgrade: 'h2c' })],
    ['no connection option', 426, asked({ connection: 'keep-alive' })],
    ['version 8', 426, asked({ 'sec-websocket-version': '8' })],
    ['no version', 426, asked({ 'sec-websocket-version': '' })],
    ['version 13 and 8', 426, asked({ 'sec-websocket-version': '13, 8' })],
    ['HTTP/2', 426, asked({}, { httpVersion: '2.0' })],
    ['HTTP/1.0', 426, asked({}, { httpVersion: '1.0' })],
    ['a driver that cannot', 426, { ...asked(), upgrades: false }],
    ['no key', 400, asked({ 'sec-websocket-key': '' })],
    ['a short key', 400, asked({ 'sec-websocket-key': 'AAAA' })],
    [
      'a key with bits that do not belong to it',
      400,
      asked({ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZR==' }),
    ],
    ['a protocol twice', 400, asked({ 'sec-websocket-protocol': 'a, b, a' })],
    ['a protocol that is no token', 400, asked({ 'sec-websocket-protocol': 'a, b c' })],
    ['a body', 400, asked({}, { body: [bytes('x')] })],
    ['another method', 405, asked({}, { method: 'POST' })],
  ])('%s is %i, and no call', async (_, status, input) => {
    const { send, caller, events } = await start(ROUTE)
    const exchange = send(input)
    expect(exchange.status).toBe(status)
    const upgrade = status === 426
    expect(exchange.header('upgrade')).toBe(upgrade ? 'websocket' : undefined)
    expect(exchange.header('sec-websocket-version')).toBe(upgrade ? '13' : undefined)
    expect(exchange.json()['code'] === 'FLATEND_GATEWAY_UPGRADE').toBe(upgrade)
    expect(caller.calls).toEqual([])
    expect(events).toHaveLength(1)
  })

  it('a page of an origin that is not named is 403; others, and what is no browser, are let in', async () => {
    const route = ROUTE.replace('true', '{ origins = ["https://Example.org"] }')
    const { send, caller } = await start(route)
    expect(send(asked({ origin: 'https://evil.example' })).status).toBe(403)
    expect(caller.calls).toHaveLength(0)
    send(asked({ origin: 'https://example.org' }))
    send(asked())
    expect(caller.calls).toHaveLength(2)
  })
})

describe('a WebSocket', () => {
  it('is one call, which says what was asked for', async () => {
    const { send, caller } = await start(ROUTE)
    const protocols = {
      'sec-websocket-protocol': 'v2, v1',
      origin: 'https://a.test',
      cookie: 'a=b',
    }
    const exchange = send(asked({ ...protocols, 'sec-websocket-extensions': 'permessage-deflate' }))
    const { last } = caller
    expect(last.request).toMatchObject({
      services: ['chat'],
      idempotent: false,
      timeoutMs: 86_400_000,
    })
    expect(last.fields(':protocol')).toEqual(['websocket'])
    expect(last.fields('params.room')).toEqual(['blue'])
    expect(last.fields('origin')).toEqual(['https://a.test'])
    expect(last.fields('sec-websocket-protocol')).toEqual(['v2, v1'])
    for (const name of ['upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-extensions']) {
      expect(last.fields(name)).toEqual([])
    }
    expect(last.ended).toBe(false)
    last.sink.response(101, [
      'set-cookie',
      'c=d',
      'sec-websocket-protocol',
      'v1',
      'sec-websocket-extensions',
      'x',
      'connection',
      'close',
      'bad name',
      'x',
    ])
    expect(exchange.upgraded).toEqual({
      headers: ['set-cookie', 'c=d'],
      protocol: 'v1',
      maxMessage: 1_048_576,
      deflate: false,
      pingMs: 30_000,
      idleMs: 0,
    })
  })

  it('carries messages both ways, and counts them', async () => {
    const { exchange, caller, events } = await opened()
    exchange.events?.message(bytes('hi'), false)
    exchange.events?.message(Uint8Array.of(1, 2), true)
    expect(Buffer.concat(caller.last.written)).toEqual(
      Buffer.concat([text('hi'), encodeRecord(RECORD.binary, Uint8Array.of(1, 2))]),
    )
    const sent = Buffer.concat([
      text('one'),
      encodeRecord(RECORD.binary, Uint8Array.of(7)),
      text(''),
    ])
    for (const byte of sent) caller.last.sink.data(Uint8Array.of(byte))
    expect(exchange.socket).toEqual(['text one', 'binary 7', 'text'.padEnd(5)])
    expect(caller.last.consumedBytes).toBe(sent.length)
    caller.last.sink.end()
    expect(exchange.socket.at(-1)).toBe('close 1000')
    expect(events).toMatchObject([
      { status: 101, requestBytes: 4, responseBytes: 4, aborted: false },
    ])
  })

  it('a subprotocol nobody offered is left out, and told of', async () => {
    const { send, caller, warnings } = await start(ROUTE)
    const exchange = send(asked({ 'sec-websocket-protocol': 'a' }))
    caller.last.sink.response(101, ['sec-websocket-protocol', 'b'])
    expect(exchange.upgraded?.protocol).toBeUndefined()
    expect(warnings).toEqual(['a service chose a subprotocol nobody offered'])
  })

  it('a client that closes ends the request after all it said; the service may finish', async () => {
    const { exchange, caller, events, gateway } = await opened()
    exchange.events?.message(bytes('last'), false)
    exchange.events?.close(4000, 'bye')
    expect(Buffer.concat(caller.last.written)).toEqual(
      Buffer.concat([text('last'), encodeClose(4000, 'bye')]),
    )
    expect(caller.last).toMatchObject({ ended: true, cancelled: undefined })
    expect(gateway.inFlight).toBe(0)
    caller.last.sink.data(text('nobody hears'))
    caller.last.sink.end()
    expect(exchange.socket).toEqual([])
    expect(events).toMatchObject([{ aborted: false, reason: undefined }])
  })

  it('a client that is gone cancels the call', async () => {
    const { exchange, caller, events } = await opened()
    exchange.events?.close(1006, '')
    expect(caller.last).toMatchObject({ cancelled: 'client closed', ended: false })
    expect(events).toMatchObject([{ aborted: true, reason: 'client closed' }])
  })

  it.each([
    ['a code and a reason', encodeClose(3001, 'no'), 'close 3001 no'],
    ['no code', encodeClose(1005, ''), 'close 1000'],
    ['a code nobody may use', encodeClose(1006, ''), 'close 1011'],
    [
      'what is no record',
      Uint8Array.of(9, 0, 0, 0, 0),
      'close 1011 the service sent no valid message',
    ],
    [
      'a message larger than allowed',
      Uint8Array.of(1, 255, 0, 0, 0),
      'close 1011 the service sent no valid message',
    ],
  ])('a service closes with %s', async (_, record, closed) => {
    const { exchange, caller, gateway } = await opened()
    caller.last.sink.data(record)
    caller.last.sink.data(text('late'))
    expect(exchange.socket).toEqual([closed])
    expect(gateway.inFlight).toBe(0)
  })

  it('half a message at the end is none', async () => {
    const { exchange, caller } = await opened()
    caller.last.sink.data(text('hello').subarray(0, 7))
    caller.last.sink.end()
    expect(exchange.socket).toEqual(['close 1011 the service left in the middle of a message'])
  })

  it.each([
    ['handler', false, 'close 1011 the service ended the connection'],
    ['handler', true, 'close 1011 what really happened'],
    ['disconnected', false, 'close 1011 the service ended the connection'],
    ['deadline', false, 'close 1001 the service ended the connection'],
    ['shutting-down', false, 'close 1012 the service ended the connection'],
    ['overloaded', false, 'close 1013 the service ended the connection'],
  ] as const)('a call that fails as %s (shown: %s) is %s', async (kind, expose, closed) => {
    const { exchange, caller, events } = await opened()
    caller.last.sink.fail(failure(kind, expose))
    expect(exchange.socket).toEqual([closed])
    expect(events).toMatchObject([{ aborted: true }])
  })

  it('a slow client stops the service, a slow service its client', async () => {
    const { exchange, caller } = await opened({ room: 2 })
    const { last } = caller
    last.sink.data(text('a'))
    expect(last.consumedBytes).toBe(6)
    last.sink.data(text('b'))
    last.sink.data(text('c'))
    expect(last.consumedBytes).toBe(6)
    exchange.events?.drain()
    expect(last.consumedBytes).toBe(18)
    last.room = 1
    exchange.events?.message(bytes('x'), false)
    expect(exchange.socket.at(-1)).toBe('pause')
    last.sink.drain()
    expect(exchange.socket.at(-1)).toBe('resume')
  })
})

describe('a service that gives no WebSocket', () => {
  it('answers like any other', async () => {
    const { send, caller, events, tick } = await start(ROUTE)
    const exchange = send(asked())
    caller.last.sink.response(401, ['www-authenticate', 'Basic'])
    caller.last.sink.data(bytes('who?'))
    caller.last.sink.end()
    tick()
    expect(exchange).toMatchObject({ status: 401, complete: true, upgraded: undefined })
    expect(exchange.text()).toBe('who?')
    expect(caller.last.ended).toBe(true)
    expect(events).toMatchObject([{ status: 401 }])
  })

  it('is not there: 503', async () => {
    const { send, caller } = await start(ROUTE)
    const exchange = send(asked())
    caller.last.sink.fail(failure('no-provider'))
    expect(exchange.status).toBe(503)
  })

  it('is left before it answers: cancelled', async () => {
    const { send, caller, events } = await start(ROUTE)
    const exchange = send(asked())
    exchange.close()
    expect(caller.last.cancelled).toBe('client closed')
    expect(events).toMatchObject([{ status: undefined, aborted: true }])
  })

  it('is left while it answers: cancelled, and no error', async () => {
    const { send, caller, events, warnings } = await start(ROUTE)
    const exchange = send({ ...asked(), leaves: true })
    caller.last.sink.response(101, [])
    caller.last.sink.data(text('late'))
    expect([exchange.socket, caller.last.cancelled]).toEqual([[], 'client closed'])
    exchange.close()
    expect(events).toMatchObject([{ status: undefined, aborted: true }])
    expect(warnings).toEqual([])
  })

  it('may answer before `open` returns, either way', async () => {
    const { send, caller } = await start(ROUTE)
    caller.answer = (sink) => {
      sink.response(101, [])
      sink.data(text('early'))
      sink.end()
    }
    expect(send(asked()).socket).toEqual(['text early', 'close 1000'])
    caller.answer = (sink) => sink.fail(failure('denied'))
    expect(send(asked()).status).toBe(403)
  })
})
