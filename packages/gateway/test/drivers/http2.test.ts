import { connect } from 'node:http2'
import { describe, expect, test } from 'vitest'
import type { DriverOptions, Exchange } from '../../src/driver.ts'
import { bytes, collect, deferred, echo, pattern, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'
import { headerOf } from './raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const CERTIFICATES = [{ names: ['a.test'], certificate: A_CERTIFICATE, key: A_KEY }]

const hello = (exchange: Exchange): void => {
  exchange.respond(200, [], { body: bytes(`hello by ${exchange.scheme}`) })
}

async function session(
  handler: (exchange: Exchange) => void,
  options: Partial<DriverOptions> = {},
) {
  const certificates = CERTIFICATES
  const running = await run('node', handler, { certificates, http2: true, ...options })
  const client = connect(`https://localhost:${running.port}`, { rejectUnauthorized: false })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('connect', resolve))
  return { ...running, client }
}

async function text(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

describe('HTTP/2, driver node', () => {
  test('requests, repeated headers, text beyond ASCII', async () => {
    const { client, seen } = await session((exchange) => {
      exchange.respond(200, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-text', 'é'], {
        body: bytes('hi'),
      })
    })
    const stream = client.request({
      ':path': '/p?q=1',
      'x-text': Buffer.from('naïve é').toString('latin1'),
      cookie: ['a=b', 'c=d'],
    })
    const headers = await new Promise<Record<string, unknown>>((resolve) => {
      stream.once('response', (received) => resolve(received))
    })
    expect((await text(stream)).toString()).toBe('hi')
    expect(headers).toMatchObject({
      ':status': 200,
      'set-cookie': ['a=1', 'b=2'],
      'content-length': '2',
    })
    expect(Buffer.from(String(headers['x-text']), 'latin1').toString()).toBe('é')
    expect(seen[0]).toMatchObject({
      method: 'GET',
      scheme: 'https',
      rawPath: '/p',
      rawQuery: 'q=1',
      httpVersion: '2.0',
      peer: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    })
    expect(seen[0]?.authority).toMatch(/^localhost:/)
    expect(headerOf(seen[0]!, 'cookie')).toBe('a=b; c=d')
    expect(headerOf(seen[0]!, 'x-text')).toBe('naïve é')
    expect(seen[0]?.headers.some((each) => each.startsWith(':'))).toBe(false)
    client.destroy()
  })

  test('a large echo, HEAD, and HTTP/1.1 on the same port', async () => {
    const { client, open } = await session((exchange) => {
      if (exchange.method === 'HEAD') exchange.respond(200, [], { end: true, length: 7 })
      else void echo(exchange)
    })
    const body = Buffer.from(pattern(5 << 20))
    const stream = client.request({ ':path': '/', ':method': 'POST' })
    stream.end(body)
    expect((await text(stream)).equals(body)).toBe(true)
    const head = client.request({ ':path': '/', ':method': 'HEAD' })
    const headers = await new Promise<Record<string, unknown>>((resolve) => {
      head.once('response', (received) => resolve(received))
    })
    expect(headers).toMatchObject({ ':status': 200, 'content-length': '7' })
    const raw = await open({ tls: true, servername: 'a.test' })
    expect((await raw.send(GET).response())?.status).toBe(200)
    client.destroy()
  })

  // CANCEL, as browsers do it, and NO_ERROR.
  test.each([8, 0])(
    'a client that resets a download with code %i is told at once',
    async (code) => {
      const closed = deferred()
      const { client } = await session((exchange) => {
        exchange.onClose(() => closed.resolve())
        exchange.respond(200, []).write(new Uint8Array(4_000_000))
      })
      const download = client.request({ ':path': '/' })
      download.on('error', () => {})
      download.once('data', () => download.pause().close(code))
      await expect(closed.promise).resolves.toBeUndefined()
      client.destroy()
    },
  )

  test('aborts of either side end one stream only', async () => {
    const closed = deferred()
    const hung = deferred()
    const { client } = await session((exchange) => {
      if (exchange.rawPath === '/abort') {
        const sink = exchange.respond(200, [])
        sink.write(bytes('x'))
        setImmediate(() => sink.abort())
      } else if (exchange.rawPath === '/hang') {
        exchange.onClose(() => closed.resolve())
        hung.resolve()
      } else hello(exchange)
    })
    const aborted = client.request({ ':path': '/abort' })
    await expect(text(aborted)).rejects.toThrow(/INTERNAL_ERROR/)
    const hanging = client.request({ ':path': '/hang' })
    hanging.on('error', () => {})
    await hung.promise
    hanging.close(8)
    await closed.promise
    expect((await text(client.request({ ':path': '/' }))).toString()).toBe('hello by https')
    client.destroy()
  })

  test('trailers follow the body where they were announced', async () => {
    const { client } = await session((exchange) => {
      const sink = exchange.respond(200, [], { trailers: true })
      sink.write(bytes('body'))
      sink.end(bytes('!'), ['x-sum', '5', 'x-sum', 'é'])
    })
    const stream = client.request({ ':path': '/' })
    const trailers = new Promise<Record<string, unknown>>((resolve) => {
      stream.once('trailers', resolve)
    })
    expect((await text(stream)).toString()).toBe('body!')
    expect(String((await trailers)['x-sum'])).toBe(`5, ${Buffer.from('é').toString('latin1')}`)
    client.destroy()
  })

  test('trailers that cannot be sent break their stream', async () => {
    const { client } = await session((exchange) => {
      exchange.respond(200, [], { trailers: true }).end(bytes('x'), ['etag', '1', 'etag', '2'])
    })
    await expect(text(client.request({ ':path': '/' }))).rejects.toThrow('NGHTTP2')
    client.destroy()
  })

  test('a body whose client resets it is not whole', async () => {
    const [failed, left] = [deferred<string>(), deferred()]
    const { client } = await session((exchange) => {
      exchange.onClose(() => left.resolve())
      collect(exchange).catch((error: unknown) => failed.resolve(String(error)))
    })
    const stream = client.request({ ':method': 'POST', ':path': '/' }, { endStream: false })
    stream.on('error', () => {})
    await new Promise((resolve) => stream.write('some', resolve))
    // Unlike `close`, which ends the body before it resets the stream.
    stream.destroy(new Error('gone'))
    expect(await failed.promise).toContain('the client closed the connection')
    await left.promise
    client.destroy()
  })

  test('a body that is not wanted any more keeps no stream', async () => {
    const { client, driver } = await session((exchange) => {
      void (async () => {
        await exchange.body.read()
        exchange.respond(204, [], { end: true })
        exchange.body.cancel()
      })()
    })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.end(pattern(60_000))
    expect(await text(stream)).toHaveLength(0)
    await driver.drain(60_000)
    client.destroy()
  })

  test('a body that is held back keeps no stream once its client is gone', async () => {
    const [begun, left] = [deferred<number>(), deferred()]
    const { client, driver } = await session((exchange) => {
      exchange.onClose(() => left.resolve())
      void (async () => begun.resolve((await exchange.body.read())?.length ?? 0))()
    })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.on('error', () => {})
    stream.end(pattern(60_000))
    expect(await begun.promise).toBeGreaterThan(0)
    stream.destroy(new Error('gone'))
    await left.promise
    await driver.drain(60_000)
  })

  test('a patient reader waits for longer than the read timeout', async () => {
    const { client } = await session(
      (exchange) => {
        void (async () => {
          const chunk = await exchange.body.read(true)
          exchange.respond(200, [], { body: chunk ?? new Uint8Array(0) })
        })()
      },
      { readTimeoutMs: 40 },
    )
    const stream = client.request({ ':method': 'POST', ':path': '/' }, { endStream: false })
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    stream.end('late')
    expect((await text(stream)).toString()).toBe('late')
    client.destroy()
  })

  test('a stream whose answer is out ends, whatever its client sends', async () => {
    const { client, driver } = await session((exchange) => {
      exchange.respond(200, [], { body: pattern(300_000) })
    })
    const stream = client.request({ ':method': 'POST', ':path': '/' }, { endStream: false })
    const closed = new Promise((resolve) => {
      stream.once('close', resolve)
    })
    stream.write('some')
    expect(await text(stream)).toHaveLength(300_000)
    await closed
    expect(stream.rstCode).toBe(0)
    await driver.drain(60_000)
    client.destroy()
  })

  test('drain closes the session once its streams are over', async () => {
    const arrived = deferred<Exchange>()
    const { client, driver } = await session((exchange) => arrived.resolve(exchange))
    const stream = client.request({ ':path': '/' })
    const goaway = new Promise((resolve) => client.once('goaway', resolve))
    const exchange = await arrived.promise
    driver.stopAccepting()
    await goaway
    const closed = new Promise((resolve) => client.once('close', resolve))
    hello(exchange)
    expect((await text(stream)).toString()).toBe('hello by https')
    await driver.drain(10_000)
    await closed
  })
})
