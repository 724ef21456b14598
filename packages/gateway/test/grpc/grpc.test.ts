import { describe, expect, it } from 'vitest'
import { toBase64 } from '../../src/grpc/base64.ts'
import { trailersFrame } from '../../src/grpc/frames.ts'
import type { FileStore } from '../../src/static/file-store.ts'
import { STALLING, type TestExchange } from '../support/exchange.ts'
import { join, message, OK } from '../support/grpc.ts'
import { bytes, failure, type Harness, settle, start } from '../support/harness.ts'

const TLS = 'https = true\ntls = { certificate = "c.pem", key = "k.pem" }\n'
const FILES: FileStore = {
  open: () => Promise.reject(new Error('nothing is served')),
  readText: () => Promise.resolve('-----BEGIN '),
}
const ROUTE = `[[http.routes]]
path = "POST /a.B/*method"
service = "a"
grpc = true
message_size = 100
`
/** A gateway with a route of gRPC; `more` are further keys of the route, `listener` of the listener. */
const serve = (more = '', listener = ''): Promise<Harness> =>
  start(`${TLS}${listener}${ROUTE}${more}`, { files: FILES })

const input = (type: string, ...body: Uint8Array[]) => ({
  method: 'POST',
  path: '/a.B/C',
  httpVersion: type.includes('web') ? ('1.1' as const) : ('2.0' as const),
  headers: ['content-type', type, 'x-meta', '1', 'grpc-timeout', '2S', 'te', 'trailers'],
  body,
})

const statusOf = (exchange: TestExchange): string | undefined => exchange.header('grpc-status')

describe('a route of gRPC', () => {
  it('makes a call of messages, and of its last frame the trailers', async () => {
    const { send, caller } = await serve()
    const exchange = send(input('application/grpc+proto', message('ask')))
    await settle()
    const call = caller.last
    expect(call.request.timeoutMs).toBe(2_000)
    expect(call.fields(':path')).toEqual(['/a.B/C'])
    expect(call.fields('content-type')).toEqual(['application/grpc+proto'])
    expect(call.fields('x-meta')).toEqual(['1'])
    expect(call.text()).toBe('\0\0\0\0\u0003ask')
    call.sink.response(200, ['content-type', 'application/grpc', 'x-begin', 'a'])
    call.sink.data(message('one'))
    call.sink.data(join(message('two'), OK.subarray(0, 3)))
    call.sink.data(OK.subarray(3))
    call.sink.end()
    expect(exchange).toMatchObject({
      status: 200,
      sent: ['content-type', 'application/grpc+proto', 'x-begin', 'a'],
      trailers: ['grpc-status', '0', 'x-end', 'z'],
      complete: true,
    })
    expect(exchange.options.trailers).toBe(true)
    expect(exchange.text()).toBe('\0\0\0\0\u0003one\0\0\0\0\u0003two')
  })

  it('keeps trailers in the body for gRPC-Web', async () => {
    const { send, caller } = await serve()
    const answer = (): void => {
      caller.last.sink.response(200, ['content-type', 'application/grpc'])
      caller.last.sink.data(message('one'))
      caller.last.sink.data(OK)
      caller.last.sink.end()
    }
    const web = send(input('application/grpc-web+proto', message('ask')))
    await settle()
    expect(caller.last.fields('content-type')).toEqual(['application/grpc+proto'])
    answer()
    expect(web.header('content-type')).toBe('application/grpc-web+proto')
    expect(web.text()).toBe(Buffer.from(join(message('one'), OK)).toString())
    const text = send(input('application/grpc-web-text', toBase64(message('ask'))))
    await settle()
    expect(caller.last.text()).toBe('\0\0\0\0\u0003ask')
    answer()
    const parts = text.chunks.map((chunk) => Buffer.from(Buffer.from(chunk).toString(), 'base64'))
    expect(join(...parts)).toEqual(join(message('one'), OK))
  })

  it.each([
    ['no-provider', '14'],
    ['overloaded', '14'],
    ['deadline', '4'],
    ['denied', '7'],
    ['handler', '14'],
    ['too-large', '8'],
  ] as const)('says of a call that fails (%s) status %s', async (kind, status) => {
    const { send, caller } = await serve()
    const exchange = send(input('application/grpc'))
    caller.last.sink.fail(failure(kind))
    expect(exchange).toMatchObject({ status: 200, complete: true })
    expect(exchange.header('content-type')).toBe('application/grpc')
    expect(statusOf(exchange)).toBe(status)
  })

  it.each([
    [400, '', '13', 'The service answered with status 400.'],
    [401, '', '16', 'The service answered with status 401.'],
    [403, '', '7', 'The service answered with status 403.'],
    [404, '{"title":"no ü"}', '12', 'no %C3%BC'],
    [409, '', '2', 'The service answered with status 409.'],
    [429, '', '14', 'The service answered with status 429.'],
    [502, '', '14', 'The service answered with status 502.'],
    [503, '', '14', 'The service answered with status 503.'],
    [504, '', '14', 'The service answered with status 504.'],
    [500, '{', '2', 'The service answered with status 500.'],
    [200, 'plain', '2', 'The service answered with status 200.'],
  ])('says of a service that answers %i by HTTP', async (...[status, body, code, text]) => {
    const { send, caller } = await serve()
    const exchange = send(input('application/grpc'))
    caller.last.sink.response(status, ['content-type', 'application/problem+json'])
    if (body !== '') caller.last.sink.data(bytes(body))
    caller.last.sink.end()
    expect([exchange.status, statusOf(exchange), exchange.header('grpc-message')]).toEqual([
      200,
      code,
      text,
    ])
    expect(exchange.text()).toBe('')
  })

  it('ends with a status whatever the service does', async () => {
    const { send, caller, tick, events } = await serve()
    const begun = (): TestExchange => {
      const exchange = send(input('application/grpc'))
      caller.last.sink.response(200, ['content-type', 'application/grpc'])
      return exchange
    }
    const silent = begun()
    caller.last.sink.end()
    expect(silent.trailers.slice(0, 2)).toEqual(['grpc-status', '2'])
    const cut = begun()
    caller.last.sink.data(message('half').subarray(0, 7))
    caller.last.sink.end()
    expect(cut.trailers.slice(0, 2)).toEqual(['grpc-status', '13'])
    const broken = begun()
    caller.last.sink.data(message('one'))
    tick()
    caller.last.sink.fail(failure('disconnected'))
    expect(broken.trailers.slice(0, 2)).toEqual(['grpc-status', '14'])
    const late = begun()
    tick()
    caller.last.sink.fail(failure('deadline'))
    expect(late.trailers.slice(0, 2)).toEqual(['grpc-status', '4'])
    const odd = begun()
    caller.last.sink.data(trailersFrame(['grpc-status', '17', 'x-a', 'b']))
    caller.last.sink.end()
    expect(odd.trailers.slice(0, 4)).toEqual(['x-a', 'b', 'grpc-status', '2'])
    const packed = begun()
    tick()
    caller.last.sink.data(Uint8Array.of(1, 0, 0, 0, 1, 9))
    expect(packed.trailers.slice(0, 2)).toEqual(['grpc-status', '13'])
    const large = begun()
    tick()
    caller.last.sink.data(message('x'.repeat(101)))
    expect(large.trailers.slice(0, 2)).toEqual(['grpc-status', '8'])
    expect(caller.last.cancelled).toBeDefined()
    expect(events.at(-1)).toMatchObject({ grpcStatus: 8, status: 200 })
    expect(events.at(-1)?.reason).toContain('a message of 101 bytes')
    const only = send(input('application/grpc'))
    caller.last.sink.response(200, ['content-type', 'application/grpc', 'grpc-status', '5'])
    caller.last.sink.end()
    expect([only.status, statusOf(only), only.options.trailers]).toEqual([200, '5', undefined])
  })

  it.each([
    ['too large', 'application/grpc', message('x'.repeat(101)), '8'],
    ['cut off', 'application/grpc', message('half').subarray(0, 8), '13'],
    ['cut off in its head', 'application/grpc', message('half').subarray(0, 3), '13'],
    ['compressed', 'application/grpc', Uint8Array.of(1, 0, 0, 0, 0), '13'],
    ['of flags nobody knows', 'application/grpc', Uint8Array.of(2, 0, 0, 0, 0), '13'],
    ['trailers', 'application/grpc-web', OK, '13'],
    ['no base64', 'application/grpc-web-text', bytes('a=bc'), '13'],
    ['a part of base64', 'application/grpc-web-text', bytes('AAAA'), '13'],
  ])('takes no message that is %s', async (...[, type, body, status]) => {
    const { send, caller, events } = await serve()
    const exchange = send(input(type, body))
    await settle()
    expect(caller.last.cancelled).toBeDefined()
    expect(exchange).toMatchObject({ status: 200, complete: true, bodyCancelled: true })
    expect(exchange.header('content-type')).toBe(type)
    expect([statusOf(exchange), String(events[0]?.grpcStatus)]).toEqual([status, status])
  })

  it('tells of a message that is too large in the middle of an answer', async () => {
    const { send, caller, tick } = await serve()
    const exchange = send(input('application/grpc', message('ok'), message('x'.repeat(101))))
    caller.last.sink.response(200, ['content-type', 'application/grpc'])
    caller.last.sink.data(message('one'))
    tick()
    await settle()
    expect(exchange.trailers.slice(0, 2)).toEqual(['grpc-status', '8'])
    expect(exchange.text()).toBe('\0\0\0\0\u0003one')
    expect(caller.last.cancelled).toBeDefined()
  })

  it('waits for a client between messages, but not within one', async () => {
    const { send } = await serve()
    const [head, rest] = [message('one').subarray(0, 5), message('one').subarray(5)]
    const exchange = send(input('application/grpc', message('one'), head, rest))
    await settle()
    expect([exchange.reads, exchange.patient]).toEqual([4, 3])
    const web = send(input('application/grpc-web-text', toBase64(message('one'))))
    await settle()
    expect([web.reads, web.patient]).toEqual([2, 0])
    const stalled = send(input('application/grpc', head, STALLING))
    await settle()
    expect(statusOf(stalled)).toBe('4')
  })

  it('holds a service back as its client does, and a client as its service does', async () => {
    const { send, caller, tick } = await serve()
    const exchange = send({ ...input('application/grpc', message('a'), message('b')), room: 1 })
    const call = caller.last
    call.room = 1
    await settle()
    expect(exchange.reads).toBe(1)
    call.sink.drain()
    await settle()
    expect(exchange.reads).toBe(2)
    call.sink.response(200, ['content-type', 'application/grpc'])
    tick()
    call.sink.data(message('one'))
    call.sink.data(message('two'))
    expect(call.consumedBytes).toBe(0)
    exchange.makeRoom(9)
    await settle()
    expect(call.consumedBytes).toBe(16)
  })

  it('cancels the call of a client that leaves', async () => {
    const { send, caller, events } = await serve()
    const exchange = send(input('application/grpc', message('ask')))
    exchange.close()
    expect(caller.last.cancelled).toBe('client closed')
    expect(events[0]).toMatchObject({ aborted: true, grpcStatus: undefined })
  })

  it('takes nothing else', async () => {
    const { send, caller } = await serve()
    for (const other of ['application/json', 'application/grpcx', '']) {
      expect(send(input(other)).json()).toMatchObject({
        status: 415,
        code: 'FLATEND_GATEWAY_MEDIA_TYPE',
      })
    }
    expect(send({ ...input('application/grpc'), httpVersion: '1.1' }).status).toBe(415)
    expect(caller.calls).toHaveLength(0)
  })

  it('passes compressed messages as they are, where their encoding is told', async () => {
    const packed = message('ask')
    packed[0] = 1
    const call = input('application/grpc', packed)
    for (const told of [[], ['grpc-encoding', 'identity']]) {
      const { send } = await serve()
      const exchange = send({ ...call, headers: [...call.headers, ...told] })
      await settle()
      expect(statusOf(exchange)).toBe('13')
    }
    const { send, caller, tick } = await serve()
    const named = ['grpc-encoding', 'any', 'grpc-accept-encoding', 'identity,any']
    const exchange = send({ ...call, headers: [...call.headers, ...named] })
    await settle()
    expect(caller.last.fields('grpc-encoding')).toEqual(['any'])
    expect(caller.last.fields('grpc-accept-encoding')).toEqual(['identity,any'])
    caller.last.sink.response(200, ['content-type', 'application/grpc', 'grpc-encoding', 'any'])
    caller.last.sink.data(join(packed, OK))
    caller.last.sink.end()
    tick()
    await settle()
    expect(exchange.header('grpc-encoding')).toBe('any')
    expect(exchange.text()).toBe('\u0001\0\0\0\u0003ask')
    expect(exchange.trailers.slice(0, 2)).toEqual(['grpc-status', '0'])
  })
})

const timeoutOf = async (route: string, given?: string): Promise<number | undefined> => {
  const { send, caller } = await serve(route)
  const { headers, ...rest } = input('application/grpc')
  const more = given === undefined ? [] : ['grpc-timeout', given]
  send({ ...rest, headers: [...headers.slice(0, 4), ...more] })
  return caller.last.request.timeoutMs
}

describe('the time of a call', () => {
  it.each([
    ['', undefined, undefined],
    ['', '2S', 2_000],
    ['', '9H', 3_600_000],
    ['timeout = "1s"', undefined, 1_000],
    ['timeout = "1s"', '2S', 1_000],
    ['timeout = "3s"', '2S', 2_000],
    ['timeout = "3h"', '2H', 3_600_000],
  ])('with %j and a grpc-timeout of %s is %s ms', async (...[route, given, timeoutMs]) => {
    expect(await timeoutOf(route, given)).toBe(timeoutMs)
  })

  it('is refused where nobody can read it', async () => {
    const { send, caller } = await serve()
    const exchange = send({
      ...input('application/grpc'),
      headers: ['content-type', 'application/grpc', 'grpc-timeout', 'soon'],
    })
    expect(statusOf(exchange)).toBe('13')
    expect(caller.calls).toHaveLength(0)
  })
})
