import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DriverOptions } from '../../src/driver.ts'
import type { Refusal } from '../../src/refusal.ts'
import { bytes, DRIVERS, type DriverName, deferred, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'

const A = { names: [], certificate: A_CERTIFICATE, key: A_KEY }

interface Bench {
  readonly port: number
  readonly refusals: Refusal[]
  /** Sends bytes and waits for the end of the connection; gives what came back. */
  readonly send: (text: string) => Promise<string>
}

function closed(socket: Socket): Promise<string> {
  let text = ''
  onTestFinished(() => void socket.destroy())
  socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', () => {})
  return new Promise((resolve) => socket.once('close', () => resolve(text)))
}

async function bench(name: DriverName, options: Partial<DriverOptions> = {}): Promise<Bench> {
  const refusals: Refusal[] = []
  const { port } = await run(
    name,
    (exchange) => exchange.respond(200, [], { body: bytes('hello') }),
    { onRefused: (refusal) => refusals.push(refusal), ...options },
  )
  const send = (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    return closed(socket)
  }
  return { port, refusals, send }
}

const HOSTS = 'GET /a?token=secret HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'
const LARGE = `GET /a HTTP/1.1\r\nHost: a\r\nx: ${'x'.repeat(3_000)}\r\n\r\n`
const peer = '127.0.0.1'
const SECURE = { certificates: [A] }

describe.each(DRIVERS)('clients that are turned away, driver %s', (name) => {
  test('a target that is none', async () => {
    const { send, refusals } = await bench(name)
    expect(await send('GET /a#b?token=secret HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 /,
    )
    expect(refusals).toEqual([{ reason: 'malformed', peer, status: 400, sent: 'GET /a#b' }])
  })

  test('headers that are too large', async () => {
    const { send, refusals } = await bench(name, { maxHeaderSize: 2_000 })
    expect(await send(LARGE)).toMatch(/^HTTP\/1\.1 431 /)
    expect(refusals).toMatchObject([
      { reason: 'headers-too-large', peer, status: 431, sent: expect.stringMatching(/^GET \/a/) },
    ])
  })

  test('an upload that stops', async () => {
    const refusals: Refusal[] = []
    const { port } = await run(name, (exchange) => void exchange.body.read().catch(() => {}), {
      readTimeoutMs: 100,
      onRefused: (refusal) => refusals.push(refusal),
    })
    const head = 'POST /up%0a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'
    const socket = connect(port, '127.0.0.1', () => socket.write(head))
    expect(await closed(socket)).toBe('')
    const sent = 'POST /up%0a'
    expect(refusals).toEqual([{ reason: 'upload-timeout', peer, status: undefined, sent }])
  })

  test('a client that takes nothing of its answer', async () => {
    const seen = deferred<Refusal>()
    const { port } = await run(
      name,
      (exchange) => {
        const sink = exchange.respond(200, [])
        const state = { gone: false }
        exchange.onClose(() => {
          state.gone = true
        })
        const pump = async (): Promise<void> => {
          for (let i = 0; i < 1_000 && !state.gone; i++) {
            if (!sink.write(new Uint8Array(100_000))) await sink.ready()
          }
        }
        pump().catch(() => {})
      },
      { writeTimeoutMs: 100, onRefused: seen.resolve },
    )
    const socket = connect(port, '127.0.0.1', () => {
      socket.pause()
      socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
    })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    const sent = 'GET /big'
    expect(await seen.promise).toEqual({ reason: 'answer-timeout', peer, status: undefined, sent })
  })
})

describe('clients that only the node driver can tell of', () => {
  test.each<
    readonly [string, Partial<DriverOptions>, Partial<Refusal> & { readonly text: string }]
  >([
    [
      'a line that is none, with what would paint a terminal',
      {},
      {
        text: 'GARBAGE\x1b[31m "x"\r\n\r\n',
        reason: 'malformed',
        status: 400,
        code: 'HPE_INVALID_METHOD',
        sent: String.raw`GARBAGE\x1b[31m \x22x\x22`,
      },
    ],
    [
      'a body that is none',
      {},
      {
        text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
        reason: 'malformed',
        code: 'HPE_INVALID_CHUNK_SIZE',
        sent: 'POST / HTTP/1.1',
      },
    ],
    [
      'CONNECT',
      {},
      { text: 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', reason: 'connect', status: 501 },
    ],
    [
      'a head that never ends',
      { readHeaderTimeoutMs: 50 },
      { text: 'GET / HTTP/1.1\r\n', reason: 'head-timeout', status: 408 },
    ],
    [
      'nothing at all',
      { readHeaderTimeoutMs: 50 },
      { text: '', reason: 'head-timeout', status: 408 },
    ],
    ['HTTP without TLS', SECURE, { text: HOSTS, reason: 'plain-http', status: undefined }],
    [
      'no TLS',
      SECURE,
      {
        text: '\x16\x03\x01\x00\x05hello',
        reason: 'tls',
        status: undefined,
        code: 'ERR_SSL_UNEXPECTED_MESSAGE',
      },
    ],
    [
      'no TLS, with HTTP/2',
      { ...SECURE, http2: true },
      { text: '\x16\x03\x01\x00\x05hello', reason: 'tls', status: undefined },
    ],
    [
      'TLS that stops',
      { ...SECURE, readHeaderTimeoutMs: 50 },
      { text: '\x16\x03', reason: 'tls-timeout', status: undefined },
    ],
  ])('%s', async (_, options, { text, ...expected }) => {
    const { send, refusals } = await bench('node', options)
    await send(text)
    expect(refusals).toMatchObject([{ peer, ...expected }])
  })

  test('frames that are none of HTTP/2', async () => {
    const { port, refusals } = await bench('node', { ...SECURE, http2: true })
    const options = { port, host: peer, ALPNProtocols: ['h2'], rejectUnauthorized: false }
    const socket = connectTls(options, () => {
      socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(100)}`)
    })
    await closed(socket)
    expect(refusals).toMatchObject([{ reason: 'http2', peer, code: 'ERR_HTTP2_ERROR' }])
  })

  test('what comes after the first packet is not repeated: it may be a body', async () => {
    const { port, refusals } = await bench('node')
    const head = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    const socket = connect(port, peer, () => socket.write(head))
    socket.once('data', () => socket.write('password=1\r\n\r\n'))
    expect(await closed(socket)).toContain('400 Bad Request')
    expect(refusals).toMatchObject([{ reason: 'malformed', sent: undefined }])
  })
})

test('of these uWebSockets.js tells nothing', async ({ skip }) => {
  skip(!DRIVERS.includes('uws'), 'all tests of the driver uws: uWebSockets.js does not load here')
  const { send, refusals } = await bench('uws')
  expect(await send(HOSTS)).toMatch(/^HTTP\/1\.1 400 /)
  expect(refusals).toEqual([])
})
