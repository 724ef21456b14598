import { describe, expect, test } from 'vitest'
import type { BodySink } from '../../src/driver.ts'
import { GatewayError } from '../../src/errors.ts'
import { bytes, DRIVERS, deferred, pattern, run } from './bench.ts'
import { headerOf } from './raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const MEGABYTE = 1 << 20

describe.each(DRIVERS)('answers, driver %s', (name) => {
  test('a whole body has its length, and the connection is used again', async () => {
    const { open } = await run(name, (exchange) => {
      exchange.respond(
        201,
        ['content-type', 'text/plain', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
        {
          body: bytes('hello'),
        },
      )
    })
    const client = await open()
    for (let i = 0; i < 3; i++) {
      const response = await client.send(GET).response()
      expect(response).toMatchObject({ status: 201, body: Buffer.from('hello') })
      expect(headerOf(response!, 'content-length')).toBe('5')
      expect(headerOf(response!, 'content-type')).toBe('text/plain')
      expect(response!.headers.filter((text) => text === 'a=1' || text === 'b=2')).toEqual([
        'a=1',
        'b=2',
      ])
      expect(response!.headers.filter((text) => text === 'content-length')).toHaveLength(1)
      expect(response!.headers.filter((text) => text === 'date')).toHaveLength(1)
    }
  })

  test('HEAD, 204 and 304 have no body, and the connection is used again', async () => {
    const { open } = await run(name, (exchange) => {
      const status = Number(exchange.rawPath.slice(1))
      exchange.respond(status, [], status === 200 ? { end: true, length: 1_234 } : { end: true })
    })
    const client = await open()
    for (const [method, status, length] of [
      ['HEAD', 200, '1234'],
      ['GET', 204, undefined],
      ['HEAD', 200, '1234'],
      ['GET', 304, undefined],
      ['POST', 204, undefined],
    ] as const) {
      const response = await client
        .send(`${method} /${status} HTTP/1.1\r\nHost: a\r\n\r\n`)
        .response(method)
      expect(response?.status).toBe(status)
      expect(headerOf(response!, 'content-length')).toBe(length)
      expect(headerOf(response!, 'transfer-encoding')).toBeUndefined()
    }
  })

  test('any answer that ends with its head is complete', async () => {
    const { open } = await run(name, (exchange) => {
      exchange.respond(Number(exchange.rawPath.slice(1)), [], { end: true })
    })
    const client = await open()
    for (const status of [412, 200]) {
      const response = await client.send(`GET /${status} HTTP/1.1\r\nHost: a\r\n\r\n`).response()
      expect(response).toMatchObject({ status, body: Buffer.alloc(0) })
    }
  })

  test.each([0, 1, 13_000, 14_336, 70_000, 5 * MEGABYTE])(
    'a whole body of %i bytes',
    async (length) => {
      const { open } = await run(name, (exchange) => {
        exchange.respond(200, ['x-a', 'b'], { body: pattern(length) })
      })
      const client = await open()
      for (let i = 0; i < 2; i++) {
        const response = await client.send(GET).response()
        expect(headerOf(response!, 'content-length')).toBe(String(length))
        expect(response!.body.equals(pattern(length))).toBe(true)
      }
    },
  )

  test('a head larger than any buffer', async () => {
    const headers = Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'é'.repeat(400)]).flat()
    const { open } = await run(name, (exchange) => {
      exchange
        .respond(200, headers, exchange.rawPath === '/whole' ? { body: bytes('body') } : {})
        .end(bytes('body'))
    })
    const client = await open()
    for (const path of ['/whole', '/stream']) {
      const response = await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).response()
      expect(response!.body.toString()).toBe('body')
      expect(response!.headers.filter((text) => text.length === 800)).toHaveLength(60)
    }
  })

  test.each(['chunked', 'length'])('a streamed body, %s, in pieces of all sizes', async (kind) => {
    const sizes = [1, 10, 9_000, 9_000, 20_000, 0, 70_000, 3, 300_000, 16_384, 16_383, 1]
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const { open } = await run(name, (exchange) => {
      const sink = exchange.respond(200, [], kind === 'length' ? { length: total } : {})
      let at = 0
      for (const size of sizes) {
        sink.write(pattern(size, at))
        at += size
      }
      sink.end()
    })
    const client = await open()
    for (let i = 0; i < 3; i++) {
      const response = await client.send(GET).response()
      expect(response!.body.equals(pattern(total))).toBe(true)
    }
  })

  test('an early answer to an upload arrives, and the rest is dropped', async () => {
    const { open, driver } = await run(name, (exchange) => {
      exchange.respond(413, [], { body: bytes('too large') })
      exchange.body.cancel()
    })
    for (const fields of ['Content-Length: 3000000', 'Transfer-Encoding: chunked']) {
      const client = await open()
      client.send(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`)
      if (fields.startsWith('T')) client.send(`${(3_000_000).toString(16)}\r\n`)
      client.send(Buffer.alloc(3_000_000))
      if (fields.startsWith('T')) client.send('\r\n0\r\n\r\n')
      expect((await client.response())?.body.toString()).toBe('too large')
    }
    await driver.drain(0)
  })

  test('a header of an answer cannot break out of its line', async () => {
    const errors: unknown[] = []
    const { open } = await run(name, (exchange) => {
      for (const headers of [
        ['x', 'a\r\nset-cookie: b=c'],
        ['x', 'a\nb'],
        ['x', 'a\0b'],
        ['x\r\ny', 'a'],
        ['x y', 'a'],
        ['', 'a'],
        ['x'],
      ]) {
        try {
          exchange.respond(200, headers, { body: bytes('no') })
        } catch (error) {
          errors.push(error)
        }
      }
      exchange.respond(200, [], { body: bytes('ok') })
    })
    const client = await open()
    expect((await client.send(GET).response())?.body.toString()).toBe('ok')
    expect(errors).toHaveLength(7)
    for (const error of errors) {
      expect(error).toBeInstanceOf(GatewayError)
      expect(error).toMatchObject({ code: 'FLATEND_GATEWAY_STATE' })
    }
  })

  test('a handler that throws gives 500, and the server goes on', async () => {
    const { open } = await run(name, (exchange) => {
      if (exchange.rawPath === '/throw') throw new Error('no')
      exchange.respond(200, [], { body: bytes('ok') })
    })
    const client = await open()
    expect((await client.send('GET /throw HTTP/1.1\r\nHost: a\r\n\r\n').response())?.status).toBe(
      500,
    )
    expect((await client.send(GET).response())?.status).toBe(200)
  })

  test('a handler that throws after it began breaks the connection', async () => {
    const { open } = await run(name, (exchange) => {
      exchange.respond(200, []).write(bytes('some'))
      throw new Error('no')
    })
    const client = await open()
    expect(await client.send(GET).response()).toBeUndefined()
    await client.closed
  })

  test('a second answer is refused', async () => {
    const answered = deferred<unknown>()
    const { open } = await run(name, (exchange) => {
      exchange.respond(200, [], { body: bytes('one') })
      try {
        exchange.respond(200, [], { body: bytes('two') })
      } catch (error) {
        answered.resolve(error)
      }
    })
    const client = await open()
    expect((await client.send(GET).response())?.body.toString()).toBe('one')
    expect(await answered.promise).toMatchObject({ code: 'FLATEND_GATEWAY_STATE' })
  })

  test.each([
    ['abort', (sink: BodySink) => sink.abort()],
    ['too short', (sink: BodySink) => sink.end()],
  ] as const)('an answer that ends too early breaks the connection: %s', async (_, finish) => {
    const { open } = await run(name, (exchange) => {
      const sink = exchange.respond(200, [], { length: 100 })
      sink.write(bytes('some'))
      setImmediate(() => finish(sink))
    })
    const client = await open()
    expect(await client.send(GET).response()).toBeUndefined()
    await client.closed
  })

  test('many connections at once, answered on the spot and later', async () => {
    const { open } = await run(name, (exchange) => {
      const body = pattern(3_000)
      if (exchange.rawPath === '/now') exchange.respond(200, [], { body })
      else void Promise.resolve().then(() => exchange.respond(200, [], {}).end(body))
    })
    const clients = await Promise.all(Array.from({ length: 40 }, () => open()))
    for (const path of ['/now', '/later', '/now']) {
      for (const client of clients) client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      for (const client of clients) {
        expect((await client.response())?.body.equals(pattern(3_000))).toBe(true)
      }
    }
  })
})
