import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createRequestMetrics } from '../src/metrics/request-metrics.ts'
import type { CallSink } from '../src/ports.ts'
import type { WebSocketEvents } from '../src/web-socket/port.ts'
import { encodeClose, encodeRecord, RECORD } from '../src/web-socket/records.ts'
import { createCompressors } from '../src/zlib/index.ts'
import type { ExchangeInput } from './support/exchange.ts'
import { bytes, failure, settle, start } from './support/harness.ts'

const CORS = '[http.routes.cors]\norigins = ["https://a.test"]\ncredentials = true\n'
const EDITS = '[http.routes.headers]\nset = ["x-frame-options: DENY"]\nremove = ["x-internal"]\n'
const CHAT = `[[http.routes]]\npath = "GET /chat"\nservice = "chat"\nwebsocket = true\nauth = "guard"\n`

interface Ending {
  readonly client: WebSocketEvents
  readonly sink: CallSink
}

const asked: ExchangeInput = {
  path: '/chat',
  upgrades: true,
  headers: [
    ['upgrade', 'websocket'],
    ['connection', 'upgrade'],
    ['sec-websocket-version', '13'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['origin', 'https://a.test'],
  ].flat(),
}

describe('a WebSocket', () => {
  it('is guarded, and its answer edited, like any other', async () => {
    const { send, caller } = await start(`${CHAT}${CORS}${EDITS}`)
    const exchange = send(asked)
    expect(caller.last.request.services).toEqual(['guard'])
    caller.last.sink.response(200, ['auth-user', 'ada'])
    caller.last.sink.end()
    const { last } = caller
    expect([last.request.services, last.fields(':auth.user')]).toEqual([['chat'], ['ada']])
    expect(last.fields(':protocol')).toEqual(['websocket'])

    last.sink.response(101, ['x-internal', '1', 'x-room', 'blue'])
    const { headers = [] } = exchange.upgraded ?? {}
    const sent = headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]}`] : []))
    expect(sent).toEqual(
      expect.arrayContaining([
        'x-room: blue',
        'x-frame-options: DENY',
        'access-control-allow-origin: https://a.test',
        'access-control-allow-credentials: true',
      ]),
    )
    expect(sent).not.toContain('x-internal: 1')
    exchange.events?.message(bytes('hi'), false)
    expect(last.written).toEqual([encodeRecord(RECORD.text, bytes('hi'))])
  })

  it('that the guard does not let in is none', async () => {
    const { send, caller } = await start(CHAT)
    const exchange = send(asked)
    caller.last.sink.response(401, [])
    caller.last.sink.end()
    expect([exchange.status, exchange.upgraded, caller.calls.length]).toEqual([401, undefined, 1])
  })

  it('whose client leaves while the guard is asked reaches no service', async () => {
    const { send, caller, gateway } = await start(CHAT)
    send(asked).close()
    expect(caller.last.cancelled).toBe('client closed')
    expect([caller.calls.length, gateway.inFlight]).toEqual([1, 0])
  })

  it.each<readonly [string, string, (end: Ending) => void]>([
    [
      'its client closed, and the service after it',
      'ok',
      ({ client, sink }) => {
        client.close(1000, '')
        sink.end()
      },
    ],
    ['its client left', 'cancelled', ({ client }) => client.close(1006, '')],
    [
      'its service closed it',
      'ok',
      ({ sink }) => {
        sink.data(encodeClose(1000, ''))
        sink.end()
      },
    ],
    ['its service sent nonsense', 'handler', ({ sink }) => sink.data(bytes('nonsense'))],
    ['its provider left', 'disconnected', ({ sink }) => sink.fail(failure('disconnected'))],
  ])('is counted as one call when %s: %s', async (_, outcome, end) => {
    const metrics = createRequestMetrics()
    const { send, caller, gateway } = await start(CHAT.replace('auth = "guard"\n', ''), { metrics })
    const exchange = send(asked)
    const { sink } = caller.last
    sink.response(101, [])
    end({ client: exchange.events!, sink })
    const counts = metrics.routes.find(({ labels }) => labels.path === '/chat')
    expect([...counts!.calls]).toEqual([[outcome, 1]])
    expect(gateway.inFlight).toBe(0)
  })
})

it('an answer is compressed, and edited and open to other origins all the same', async () => {
  const route = `compress = true\n[[http.routes]]\npath = "GET /a"\nservice = "a"\nauth = "guard"\n`
  const compressors = createCompressors()
  const { send, caller, tick } = await start(`${route}${CORS}${EDITS}`, { compressors })
  const headers = ['accept-encoding', 'br', 'origin', 'https://a.test']
  const exchange = send({ path: '/a', headers })
  caller.last.sink.response(200, [])
  caller.last.sink.end()
  const { sink } = caller.last
  sink.response(200, ['content-type', 'text/plain', 'x-internal', '1'])
  sink.data(bytes('a'.repeat(5_000)))
  sink.end()
  tick()
  while (!exchange.complete) await new Promise((resolve) => setImmediate(resolve))
  await settle()
  expect(exchange.header('content-encoding')).toBe('br')
  expect(exchange.header('access-control-allow-origin')).toBe('https://a.test')
  expect(exchange.header('vary')?.toLowerCase().split(', ').toSorted()).toEqual([
    'accept-encoding',
    'origin',
  ])
  expect(exchange.header('x-frame-options')).toBe('DENY')
  expect(exchange.header('x-internal')).toBeUndefined()
  expect(brotliDecompressSync(Buffer.concat(exchange.chunks)).toString()).toBe('a'.repeat(5_000))
})

describe('a guard', () => {
  const GUARDED = '[[http.routes]]\npath = "GET /a"\nservice = "a"\nauth = "guard"\n'

  it('says no with a head that the driver refuses: 502', async () => {
    const { send, caller, gateway } = await start(GUARDED)
    const exchange = send({ path: '/a' })
    const respond = exchange.respond.bind(exchange)
    exchange.respond = () => {
      exchange.respond = respond
      throw new Error('single value')
    }
    caller.last.sink.response(401, [])
    caller.last.sink.end()
    expect([exchange.status, gateway.inFlight]).toEqual([502, 0])
  })

  it('is asked within the trace of the request', async () => {
    const { send, caller } = await start(GUARDED, { random: Math.random })
    send({ path: '/a' })
    const [guard] = caller.calls
    guard!.sink.end()
    expect(caller.last.request.services).toEqual(['a'])
    expect(caller.last.fields('traceparent')).toEqual(guard!.fields('traceparent'))
  })
})

it('a redirect stays on its host, whatever the parameters are', async () => {
  const route = '[[http.routes]]\npath = "GET /old/:name/*rest"\nredirect = "/*rest/:name"\n'
  const { send } = await start(route)
  expect(send({ path: '/old/evil.test/' }).header('location')).toBe('/evil.test')
  expect(send({ path: '/old/a/b/c' }).header('location')).toBe('/b/c/a')
})
