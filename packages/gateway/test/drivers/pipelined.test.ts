import { connect } from 'node:http2'
import { describe, expect, test } from 'vitest'
import type { BodySink, Exchange } from '../../src/driver.ts'
import { bytes, DRIVERS, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'
import { ASK, LIMITS } from './web-socket-support.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const CONNECT = 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'
const CERTIFICATES = [{ names: [], certificate: A_CERTIFICATE, key: A_KEY }]

describe('what comes before the answer is complete, driver node', () => {
  test.each([false, true])('a WebSocket is asked for, TLS %s: it has to wait', async (tls) => {
    const held: Exchange[] = []
    const options = tls ? { ...LIMITS, certificates: CERTIFICATES, http2: true } : LIMITS
    const { open } = await run('node', (exchange) => held.push(exchange), options)
    const client = await open({ tls })
    client.send(GET + ASK)
    while (held.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(held.map(({ upgrade }) => upgrade)).toEqual([undefined, undefined])
    for (const [index, exchange] of held.entries())
      exchange.respond(200, [], { body: bytes(`${index}`) })
    expect((await client.response())?.body.toString()).toBe('0')
    expect((await client.response())?.body.toString()).toBe('1')
  })

  test.each(['no request\r\n\r\n', CONNECT])('%j breaks off an answer', async (text) => {
    const sinks: BodySink[] = []
    const { open } = await run('node', (exchange) => {
      const sink = exchange.respond(200, [], { length: 100 })
      sink.write(bytes('begun'))
      sinks.push(sink)
    })
    const client = await open()
    let seen = ''
    client.socket.on('data', (data) => {
      seen += data
      if (seen.endsWith('begun')) client.send(text)
    })
    client.send(GET)
    await client.closed
    expect(seen).toMatch(/\r\n\r\nbegun$/)
  })
})

test('CONNECT of HTTP/2 is refused', async () => {
  const options = { certificates: CERTIFICATES, http2: true }
  const { port, seen } = await run('node', () => {}, options)
  const client = connect(`https://localhost:${port}`, { rejectUnauthorized: false })
  const stream = client.request({ ':method': 'CONNECT', ':authority': 'a:1' })
  const headers = await new Promise((resolve) => {
    stream.once('response', resolve)
  })
  expect(headers).toMatchObject({ ':status': 501 })
  expect(seen).toEqual([])
  client.destroy()
})

test('the head of an answer that HTTP/2 does not know can be replaced', async () => {
  const options = { certificates: CERTIFICATES, http2: true }
  const { port } = await run(
    'node',
    (exchange) => {
      const twice = ['content-type', 'a/b', 'content-type', 'c/d']
      expect(() => exchange.respond(200, twice, { body: bytes('x') })).toThrow('single value')
      exchange.respond(502, [], { body: bytes('x') })
    },
    options,
  )
  const client = connect(`https://localhost:${port}`, { rejectUnauthorized: false })
  const stream = client.request({ ':path': '/' })
  const headers = await new Promise((resolve) => {
    stream.once('response', resolve)
  })
  expect(headers).toMatchObject({ ':status': 502 })
  client.destroy()
})

test.each(DRIVERS)('whatever is pipelined, driver %s serves the next client', async (name) => {
  const { open } = await run(
    name,
    (exchange) => {
      setImmediate(() => exchange.respond(200, [], { body: bytes('x') }))
    },
    LIMITS,
  )
  for (const text of [GET + ASK, ASK + ASK, ASK + GET, GET + CONNECT, CONNECT + ASK]) {
    ;(await open()).send(text)
  }
  const client = await open()
  expect((await client.send(GET).response())?.status).toBe(200)
})
