import { describe, expect, it } from 'vitest'
import { bytes, failure, settle, start } from './support/harness.ts'

/** `name value` of each header. */
function pairs(headers: readonly string[]): readonly string[] {
  return headers.flatMap((name, i) => (i % 2 === 0 ? [`${name} ${headers[i + 1]}`] : []))
}

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

describe('a small answer', () => {
  it('leaves in one write, with its length', async () => {
    const { send, caller, events, tick } = await start(ROUTES)
    const exchange = send({ path: '/hello/J%C3%BCrgen', query: 'a=1&b=x+y&a=2' })
    const { request, sink, ended } = caller.last
    expect(ended).toBe(true)
    expect(request).toMatchObject({ services: ['hello'], idempotent: true })
    expect(request).not.toHaveProperty('timeoutMs')
    expect(pairs(request.headers)).toEqual([
      ':method GET',
      ':path /hello/J%C3%BCrgen',
      ':query a=1&b=x+y&a=2',
      ':scheme http',
      ':authority example.org',
      ':peer 192.0.2.7',
      ':request-id 800000800000-0',
      'params.name Jürgen',
      'query.a 2',
      'query.b x y',
      'traceparent 00-80000001800000008000000080000000-8000000180000000-01',
    ])
    sink.response(201, ['Content-Type', 'text/plain', 'set-cookie', 'a=1', 'set-cookie', 'b=ü'])
    sink.data(bytes('hi'))
    expect(exchange.status).toBeUndefined()
    sink.end()
    expect(exchange).toMatchObject({ status: 201, complete: true, options: { body: bytes('hi') } })
    const sent = ['content-type text/plain', 'set-cookie a=1', 'set-cookie b=ü']
    expect(pairs(exchange.sent)).toEqual(sent)
    tick()
    expect(caller.last).toMatchObject({ consumedBytes: 2, cancelled: undefined })
    expect(events).toEqual([
      {
        requestId: '800000800000-0',
        method: 'GET',
        scheme: 'http',
        authority: 'example.org',
        path: '/hello/J%C3%BCrgen',
        peer: '192.0.2.7',
        route: '/hello/:name',
        services: ['hello'],
        status: 201,
        requestBytes: 0,
        responseBytes: 2,
        durationMs: 3,
        queueMs: 1,
        providerMs: 1,
        provider: undefined,
        reason: undefined,
        aborted: false,
      },
    ])
  })

  it('may be given before open returns', async () => {
    const { send, caller, gateway } = await start(ROUTES)
    caller.answer = (sink) => {
      sink.response(200, [])
      sink.data(bytes('hi'))
      sink.end()
    }
    expect(send({ path: '/hello/x' })).toMatchObject({ status: 200, complete: true })
    expect(caller.last).toMatchObject({ consumedBytes: 2, cancelled: undefined })
    caller.answer = (sink) => sink.fail(failure('no-provider'))
    expect(send({ path: '/hello/x' })).toMatchObject({ status: 503, complete: true })
    const early = send({ method: 'PUT', path: '/up', body: [bytes('x')] })
    expect(early).toMatchObject({ status: 503, bodyCancelled: true, reads: 0 })
    expect(gateway.inFlight).toBe(0)
  })

  it('may be empty', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.end()
    expect(exchange).toMatchObject({ status: 200, complete: true, options: { body: bytes('') } })
  })
})

describe('a streamed answer', () => {
  it('gives its head away at the end of the tick, and credit back as the client takes it', async () => {
    const { send, caller, tick, events } = await start(ROUTES)
    const exchange = send({ path: '/hello/x', room: 2 })
    const { sink } = caller.last
    sink.response(200, [])
    tick()
    expect(exchange).toMatchObject({ status: 200, complete: false, options: {} })
    sink.data(bytes('12345'))
    expect(caller.last.consumedBytes).toBe(5)
    sink.data(bytes('678'))
    sink.data(bytes('9'))
    expect(caller.last.consumedBytes).toBe(5)
    exchange.makeRoom(10)
    await settle()
    expect(caller.last.consumedBytes).toBe(9)
    sink.end()
    expect(exchange.text()).toBe('123456789')
    expect(exchange.complete).toBe(true)
    expect(events).toMatchObject([{ responseBytes: 9, aborted: false }])
  })

  it('does not wait for the tick with a second chunk', async () => {
    const { send, caller, tick } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.response(200, ['content-length', '4', 'Content-Length', '4'])
    caller.last.sink.data(bytes('ab'))
    caller.last.sink.data(bytes('cd'))
    expect(exchange).toMatchObject({ status: 200, options: { length: 4 } })
    expect(exchange.header('content-length')).toBeUndefined()
    tick()
    caller.last.sink.end()
    expect(exchange.complete).toBe(true)
  })

  it.each([
    ['3', ['abcd'], true],
    ['5', ['abcd'], true],
    ['3', ['ab', 'cd'], true],
    ['3', ['a', 'b', 'cd'], false],
    ['5', ['ab', 'cd'], false],
  ])('that is not as long as it said (%s, %j) never looks whole', async (length, chunks, early) => {
    const { send, caller, events } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    const { sink } = caller.last
    sink.response(200, ['content-length', length])
    for (const chunk of chunks) sink.data(bytes(chunk))
    sink.end()
    const status = early ? 502 : 200
    expect(exchange).toMatchObject({ status, complete: early, aborted: !early })
    expect(events).toMatchObject([{ aborted: !early }])
    expect(caller.last.consumedBytes).toBe(4)
  })

  it('leaves out what is not valid in HTTP', async () => {
    const { send, caller, warnings } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    const bad = [
      'header key',
      'v',
      'a',
      'x\r\nset-cookie: evil',
      ':status',
      '1',
      'c',
      '\0',
      '',
      'e',
    ]
    const hop = ['connection', 'x-hop, close', 'x-hop', '1', 'keep-alive', '1', 'upgrade', 'h2c']
    const chunked = ['transfer-encoding', 'chunked', 'content-length', '1', 'content-length', '2']
    caller.last.sink.response(200, [...bad, ...hop, ...chunked, 'ok', 'tab\tand ü and \u{1f600}'])
    caller.last.sink.end()
    expect(exchange.sent).toEqual(['ok', 'tab\tand ü and \u{1f600}'])
    expect(exchange.status).toBe(200)
    expect(warnings).toHaveLength(1)
  })

  it.each([0, 100, 101, 199, 600, 1.5, Number.NaN])('has no status %s', async (status) => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    caller.last.sink.response(status, [])
    expect(exchange.status).toBe(502)
    expect(caller.last.cancelled).toBe(`status ${status}`)
    caller.last.sink.data(bytes('late'))
    caller.last.sink.end()
    expect(caller.last.consumedBytes).toBe(4)
  })
})

describe('an answer without a body', () => {
  it.for<[string, number, string[], string[], object]>([
    ['HEAD', 200, ['content-length', '7'], [], { end: true, length: 7 }],
    ['HEAD', 200, [], ['abc'], { end: true, length: 3 }],
    ['HEAD', 200, [], [], { end: true }],
    ['GET', 204, ['content-length', '7'], ['abc'], { end: true }],
    ['GET', 304, ['etag', '"x"'], [], { end: true }],
  ])('%s %i %j %j', async ([method, status, headers, chunks, options]) => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ method, path: '/hello/x' })
    caller.last.sink.response(status, headers)
    for (const chunk of chunks) caller.last.sink.data(bytes(chunk))
    caller.last.sink.end()
    expect(exchange).toMatchObject({ status, complete: true, chunks: [] })
    expect(exchange.options).toEqual(options)
    expect(caller.last.consumedBytes).toBe(chunks.join('').length)
  })

  it('ends a service that streams on', async () => {
    const { send, caller, tick, gateway } = await start(ROUTES)
    const exchange = send({ method: 'HEAD', path: '/hello/x' })
    caller.last.sink.response(200, [])
    tick()
    expect(exchange).toMatchObject({ status: 200, complete: true, options: { end: true } })
    caller.last.sink.data(bytes('x'))
    expect(caller.last.cancelled).toBe('answered')
    expect(gateway.inFlight).toBe(0)
  })
})

describe('nocache', () => {
  it('hides conditions from the service and forbids caching', async () => {
    const { send, caller } = await start(ROUTES)
    const exchange = send({ path: '/fresh', headers: ['if-none-match', '"x"', 'accept', '*/*'] })
    expect(caller.last.fields('if-none-match')).toEqual([])
    expect(caller.last.fields('accept')).toEqual(['*/*'])
    caller.last.sink.response(200, ['cache-control', 'no-store'])
    caller.last.sink.end()
    expect(exchange.header('cache-control')).toBe('no-store')
    expect(exchange.header('pragma')).toBe('no-cache')
    expect(exchange.header('expires')).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  })

  it('hides a range together with its condition', async () => {
    const { send, caller } = await start(ROUTES)
    send({ path: '/fresh', headers: ['range', 'bytes=1-'] })
    expect(caller.last.fields('range')).toEqual(['bytes=1-'])
    send({ path: '/fresh', headers: ['range', 'bytes=1-', 'if-range', '"x"'] })
    expect(caller.last.fields('range')).toEqual([])
    expect(caller.last.fields('if-range')).toEqual([])
  })
})

it('ends the call where the driver fails', async () => {
  const { send, caller, tick, warnings, gateway } = await start(ROUTES)
  const exchange = send({ path: '/hello/x' })
  exchange.respond(200, [])
  caller.last.sink.response(200, [])
  tick()
  expect(caller.last.cancelled).toBe('driver failed')
  expect(warnings).toHaveLength(1)
  expect(gateway.inFlight).toBe(0)
})

it.each([true, false])(
  'answers 502 where the driver refuses the head, all at once %s',
  async (whole) => {
    const { send, caller, tick, events } = await start(ROUTES)
    const exchange = send({ path: '/hello/x' })
    const respond = exchange.respond.bind(exchange)
    exchange.respond = () => {
      exchange.respond = respond
      throw new Error('single value')
    }
    caller.last.sink.response(200, [])
    caller.last.sink.data(bytes('x'))
    if (whole) caller.last.sink.end()
    tick()
    expect(exchange).toMatchObject({ status: 502, complete: true })
    expect(caller.last.cancelled).toBe(whole ? undefined : 'driver failed')
    expect(events).toMatchObject([{ status: 502, reason: 'driver failed', aborted: false }])
  },
)

it('holds no more than the call has credit for', async () => {
  const { send, caller, tick } = await start(ROUTES)
  const exchange = send({ path: '/hello/x', room: 1 })
  const { sink } = caller.last
  sink.response(200, [])
  tick()
  const window = 262_144
  let sent = 0
  let most = 0
  const chunk = new Uint8Array(16_384)
  for (let turn = 0; turn < 40; turn++) {
    while (sent - caller.last.consumedBytes + chunk.length <= window) {
      sink.data(chunk)
      sent += chunk.length
    }
    most = Math.max(most, sent - caller.last.consumedBytes)
    exchange.chunks.length = 0
    exchange.makeRoom(1)
    await settle()
  }
  expect(most).toBeLessThanOrEqual(window)
  expect(sent).toBeGreaterThan(window * 10)
})
