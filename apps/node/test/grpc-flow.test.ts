import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type GrpcCall, GrpcError, type GrpcMethod } from '../src/index.ts'
import { frame, type GrpcServer, RawHttp2, serveGrpc } from './support/grpc.ts'
import { waitFor } from './support/patience.ts'

const MESSAGE = Buffer.alloc(60_000, 1)
/** Resolves once the test lets the handler go on. */
let goOn: () => void = () => {}
let gate = Promise.resolve()
const seen = { sent: 0, received: 0, returned: 0, cancelled: 0 }

function watch(call: GrpcCall): void {
  call.ctx.signal.addEventListener('abort', () => seen.cancelled++)
}

const methods: Readonly<Record<string, GrpcMethod>> = {
  '/test.Echo/Endless': async function* (call) {
    watch(call)
    try {
      for (;;) {
        yield MESSAGE
        seen.sent++
      }
    } finally {
      seen.returned++
    }
  },
  '/test.Echo/Swallow': async (call) => {
    watch(call)
    await gate
    for await (const message of call.messages) seen.received += message.length
    return Buffer.from(String(seen.received))
  },
  '/test.Echo/Early': async function* (call) {
    await call.message()
    for (let i = 0; i < 40; i++) yield MESSAGE
  },
  '/test.Echo/Chat': async (call) => {
    for await (const message of call.messages) await call.send(message)
  },
  '/test.Echo/Odd': (call) => {
    call.trailer('etag', 'a').trailer('etag', 'b')
  },
  '/test.Echo/Named': (call) => {
    call.trailer('proxy-connection', 'x').trailer('http2-settings', 'x').trailer(':status', '1')
    throw new GrpcError(10, 'as it is')
  },
  '/test.Echo/Text': () => 'no bytes',
}

let server: GrpcServer
let client: RawHttp2

beforeAll(async () => {
  server = await serveGrpc(methods)
})

afterAll(() => server.stop())

afterEach(async () => {
  await client.close()
  // Nothing of a call is left once its client is gone.
  await server.gateway.listeners[0]?.driver.drain(60_000)
})

/** Waits until a number does not change any more. */
async function settled(read: () => number): Promise<number> {
  let last = read()
  for (let calm = 0, rounds = 0; calm < 20 && rounds < 1_000; rounds++) {
    for (let i = 0; i < 50; i++) await turn()
    calm = read() === last ? calm + 1 : 0
    last = read()
  }
  return last
}

function reset({ ports }: GrpcServer = server): void {
  Object.assign(seen, { sent: 0, received: 0, returned: 0, cancelled: 0 })
  client = new RawHttp2(ports[0] as number)
}

describe('backpressure', () => {
  test('a client that does not read holds the method back, and lets it go on', async () => {
    reset()
    const call = client.call('Endless')
    call.stream.end(frame(''))
    await call.head
    const held = await settled(() => seen.sent)
    // What all buffers between the two keep: a few MiB, not what is sent in that time.
    expect(held * MESSAGE.length).toBeLessThan(8_000_000)
    call.read()
    await waitFor(() => expect(seen.sent).toBeGreaterThan(held * 3))
    call.stream.close(8)
    await waitFor(() => expect([seen.returned, seen.cancelled]).toEqual([1, 1]))
  })

  test('a method that does not read holds its client back', async () => {
    reset()
    gate = new Promise((resolve) => {
      goOn = resolve
    })
    const call = client.call('Swallow')
    let taken = 0
    for (let i = 0; i < 200; i++) call.stream.write(frame(MESSAGE), () => taken++)
    call.stream.end()
    const held = await settled(() => taken)
    expect(held * MESSAGE.length).toBeLessThan(8_000_000)
    goOn()
    expect(await call.status()).toBe('0')
    expect(Buffer.concat(call.body).subarray(5).toString()).toBe(String(200 * MESSAGE.length))
  })
})

describe('a client', () => {
  test('that resets its stream in the middle of its messages cancels the call', async () => {
    reset()
    gate = Promise.resolve()
    const call = client.call('Swallow')
    call.stream.write(frame('some'))
    await waitFor(() => expect(seen.received).toBe(4))
    // Unlike `close`, which ends the request before it resets the stream.
    call.stream.destroy(new Error('gone'))
    await waitFor(() => expect(seen.cancelled).toBe(1))
  })

  test('that does not end its request gets the whole answer, and its stream ends', async () => {
    reset()
    const call = client.call('Early')
    call.stream.write(frame(''))
    expect(await call.status()).toBe('0')
    expect(Buffer.concat(call.body)).toHaveLength(40 * (MESSAGE.length + 5))
    expect(await call.closed).toBe(0)
  })

  test('may be silent between messages for longer than the read timeout, not within one', async () => {
    const hasty = await serveGrpc(methods, { listener: 'timeout = { read = "250ms" }' })
    reset(hasty)
    const call = client.call('Chat').read()
    const echoed = (): number => Buffer.concat(call.body).length
    call.stream.write(frame('a'))
    await waitFor(() => expect(echoed()).toBe(6))
    await new Promise((resolve) => {
      setTimeout(resolve, 600)
    })
    call.stream.end(frame('b'))
    expect(await call.status()).toBe('0')
    expect(echoed()).toBe(12)
    gate = Promise.resolve()
    const cut = client.call('Swallow')
    cut.stream.write(frame('some').subarray(0, 7))
    expect(await cut.status()).toBe('4')
    expect(await cut.closed).toBe(0)
    await client.close()
    await hasty.stop()
  })

  test('may have as many calls at once as streams', async () => {
    reset()
    const all = Array.from({ length: 200 }, () => {
      const call = client.call('Chat')
      call.stream.end(frame('x'))
      return call.status()
    })
    expect(new Set(await Promise.all(all))).toEqual(new Set(['0']))
  })
})

describe('what is no gRPC', () => {
  test.each([
    ['a compressed message', frame('x', 1), '13', /compressed/],
    ['unknown flags', frame('x', 0x42), '13', /unknown flags/],
    ['trailers', frame('x', 0x80), '13', /unknown flags/],
    ['a message over the limit', frame(Buffer.alloc(65_537)), '8', /65537 bytes, at most 65536/],
    ['a head over the limit', Buffer.from('00ffffffff', 'hex'), '8', /4294967295 bytes/],
    ['a message cut off', frame('half').subarray(0, 7), '13', /ends within a message/],
    ['a head cut off', frame('').subarray(0, 2), '13', /ends within a message/],
  ])('%s', async (...[, body, status, message]) => {
    reset()
    gate = Promise.resolve()
    const call = client.call('Swallow')
    call.stream.end(body)
    expect(await call.status()).toBe(status)
    const head = await call.head
    expect([head[':status'], head['content-type']]).toEqual([200, 'application/grpc'])
    expect(decodeURIComponent(String(head['grpc-message']))).toMatch(message)
  })

  test('a message over the limit after the answer began', async () => {
    reset()
    const call = client.call('Chat').read()
    call.stream.write(frame('a'))
    await waitFor(() => expect(Buffer.concat(call.body)).toHaveLength(6))
    call.stream.write(Buffer.from('0000020000', 'hex'))
    expect(await call.status()).toBe('8')
    expect(call.trailers['grpc-message']).toContain('131072 bytes')
  })

  test('another content type is 415', async () => {
    reset()
    const call = client.call('Chat', { 'content-type': 'application/json' }).read()
    expect((await call.head)[':status']).toBe(415)
    await call.closed
    expect(JSON.parse(Buffer.concat(call.body).toString())).toMatchObject({
      code: 'FLATEND_GATEWAY_MEDIA_TYPE',
    })
  })

  test('a grpc-timeout nobody can read', async () => {
    reset()
    const call = client.call('Chat', { 'grpc-timeout': '1 s' })
    expect(await call.status()).toBe('13')
  })
})

describe('a service', () => {
  test('whose trailers cannot be sent breaks its own stream alone', async () => {
    reset()
    const call = client.call('Odd')
    call.stream.end(frame(''))
    expect(await call.status()).toBeUndefined()
    expect(await call.closed).not.toBe(0)
    const next = client.call('Chat')
    next.stream.end(frame('x'))
    expect(await next.status()).toBe('0')
  })

  test('does not say what belongs to a connection', async () => {
    reset()
    const call = client.call('Named')
    call.stream.end(frame(''))
    expect(await call.status()).toBe('10')
    expect(call.trailers).toMatchObject({ 'grpc-message': 'as it is' })
    expect(Object.keys(call.trailers)).toEqual(['grpc-status', 'grpc-message'])
  })

  test('that returns what is no message has failed', async () => {
    reset()
    const call = client.call('Text')
    call.stream.end(frame(''))
    expect(await call.status()).toBe('2')
  })
})
