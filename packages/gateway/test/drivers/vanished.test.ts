import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import type { DriverOptions, Exchange } from '../../src/driver.ts'
import type { Refusal } from '../../src/refusal.ts'
import { bytes, deferred, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'

const PING_MS = 60
/** For clients that are there: time enough for them on a machine that is busy. */
const CALM = { pingMs: 250 }
const DATA = 0
const HEADERS = 1
const SETTINGS = 4
const PING = 6
const WINDOW_UPDATE = 8
/** RFC 9113 §6.1 and on: a frame's flags. */
const END_STREAM_AND_HEADERS = 5
const MOST = 0x7fff0000

function frame(type: number, flags: number, { stream = 0, body = Buffer.alloc(0) } = {}): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** Takes everything at once: windows as large as they can be. */
function hello(): Buffer {
  const settings = Buffer.alloc(6)
  settings.writeUInt16BE(4)
  settings.writeUInt32BE(MOST, 2)
  const window = Buffer.alloc(4)
  window.writeUInt32BE(MOST)
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const all = [frame(SETTINGS, 0, { body: settings }), frame(WINDOW_UPDATE, 0, { body: window })]
  return Buffer.concat([preface, ...all])
}

/** `GET / HTTP/2` of host `a`, by HPACK's static table. */
const GET = frame(HEADERS, END_STREAM_AND_HEADERS, {
  stream: 1,
  body: Buffer.from([0x82, 0x87, 0x84, 0x41, 1, 0x61]),
})

/** A client that says hello, and then no more than it is told to: it answers nothing. */
class SilentClient {
  readonly socket: TLSSocket
  readonly closed = deferred()
  readonly #parts: Buffer[] = []

  constructor(port: number) {
    const options = { port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false }
    this.socket = connectTls(options)
    this.socket.on('error', () => {}).on('data', (chunk: Buffer) => this.#parts.push(chunk))
    this.socket.once('close', () => this.closed.resolve())
    this.socket.write(hello())
    onTestFinished(() => void this.socket.destroy())
  }

  /** Types of the frames that came. */
  get frames(): readonly number[] {
    const all = Buffer.concat(this.#parts)
    const types: number[] = []
    for (let at = 0; at < all.length; at += 9 + all.readUIntBE(at, 3)) types.push(all[at + 3]!)
    return types
  }
}

async function serve(
  handler: (exchange: Exchange) => void,
  options: Partial<DriverOptions> = {},
): Promise<{ readonly port: number; readonly refusals: Refusal[] }> {
  const refusals: Refusal[] = []
  const certificates = [{ names: [], certificate: A_CERTIFICATE, key: A_KEY }]
  const { port } = await run('node', handler, {
    certificates,
    http2: true,
    pingMs: PING_MS,
    onRefused: (refusal) => refusals.push(refusal),
    ...options,
  })
  return { port, refusals }
}

async function client(port: number): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  await new Promise((resolve) => session.once('connect', resolve))
  return session
}

const VANISHED = { reason: 'vanished', peer: '127.0.0.1', status: undefined }

test('a client of HTTP/2 that does not answer a ping is given up, its calls with it', async () => {
  const left = deferred()
  const { port, refusals } = await serve((exchange) => {
    exchange.onClose(() => left.resolve())
    exchange.respond(200, []).write(bytes('first'))
  })
  const silent = new SilentClient(port)
  silent.socket.write(GET)
  await Promise.all([left.promise, silent.closed.promise])
  expect(silent.frames).toContain(PING)
  expect(refusals).toEqual([VANISHED])
})

test('to whom something is sent all the time is no sign of life', async () => {
  const left = deferred()
  const { port, refusals } = await serve((exchange) => {
    const sink = exchange.respond(200, [])
    const timer = setInterval(() => sink.write(bytes('tick')), PING_MS / 4)
    exchange.onClose(() => {
      clearInterval(timer)
      left.resolve()
    })
  })
  new SilentClient(port).socket.write(GET)
  await left.promise
  expect(refusals).toEqual([VANISHED])
})

test('a client that answers pings may be silent otherwise', async () => {
  const enough = deferred()
  const { port, refusals } = await serve((exchange) => {
    void enough.promise.then(() => exchange.respond(200, [], { body: bytes('late') }))
  }, CALM)
  const session = await client(port)
  const stream = session.request({ ':path': '/' })
  // Each is sent after silence that would be the end, had the one before it not been answered.
  for (let i = 0; i < 3; i++) await new Promise((resolve) => session.once('ping', resolve))
  enough.resolve()
  expect((await stream.toArray()).join('')).toBe('late')
  expect(refusals).toEqual([])
})

test('a client that sends is not asked', async () => {
  let pings = 0
  const { port } = await serve((exchange) => {
    void exchange.body.read()
  }, CALM)
  const session = await client(port)
  session.on('ping', () => pings++)
  const stream = session.request({ ':path': '/', ':method': 'POST' })
  const timer = setInterval(() => stream.write('x'), 5)
  onTestFinished(() => clearInterval(timer))
  const silent = new SilentClient(port)
  silent.socket.write(GET)
  await silent.closed.promise
  expect(pings).toBe(0)
})

test('where no request runs, nobody is asked', async () => {
  const { port, refusals } = await serve((exchange) => {
    if (exchange.rawPath === '/' && idle.frames.includes(HEADERS)) return
    exchange.respond(200, [], { body: bytes('done') })
  })
  const idle = new SilentClient(port)
  idle.socket.write(GET)
  await expect.poll(() => idle.frames).toContain(HEADERS)
  const silent = new SilentClient(port)
  silent.socket.write(GET)
  await silent.closed.promise
  expect(idle.frames).not.toContain(PING)
  expect([idle.socket.closed, refusals.length]).toEqual([false, 1])
})

test('who takes nothing at the moment is not asked in vain: a ping waits behind what was sent', async () => {
  const busy = deferred()
  const state = { first: true, gone: false }
  const download = async (exchange: Exchange): Promise<void> => {
    exchange.onClose(() => {
      state.gone = true
    })
    const sink = exchange.respond(200, [])
    while (!state.gone) {
      if (!sink.write(new Uint8Array(65_536))) busy.resolve()
      await sink.ready()
    }
  }
  const { port, refusals } = await serve(
    (exchange) => {
      if (state.first) void download(exchange)
      state.first = false
    },
    { writeTimeoutMs: 0 },
  )
  const slow = new SilentClient(port)
  slow.socket.pause()
  slow.socket.write(GET)
  await busy.promise
  for (let i = 0; i < 2; i++) {
    const silent = new SilentClient(port)
    silent.socket.write(GET)
    await silent.closed.promise
  }
  expect([state.gone, refusals]).toEqual([false, [VANISHED, VANISHED]])
})

/** RFC 9113 §6.1: data belongs to a stream. nghttp2 says GOAWAY, and reads no more. */
const BREACH = frame(DATA, 0, { body: Buffer.from('data') })

test('a client that broke the protocol and left is given up, its calls with it', async () => {
  const [came, left] = [deferred(), deferred()]
  const { port } = await serve(
    (exchange) => {
      exchange.onClose(() => left.resolve())
      came.resolve()
    },
    { writeTimeoutMs: 2 * PING_MS },
  )
  const { socket } = new SilentClient(port)
  socket.write(GET)
  await came.promise
  socket.write(BREACH, () => socket.destroy())
  await expect(left.promise).resolves.toBeUndefined()
})

test('a session without requests is told to end, and ends', async () => {
  const { port, refusals } = await serve(
    (exchange) => exchange.respond(200, [], { body: bytes('done') }),
    { idleTimeoutMs: PING_MS },
  )
  const session = await client(port)
  const gone = deferred()
  session.once('close', () => gone.resolve())
  await session.request({ ':path': '/' }).toArray()
  await gone.promise
  expect(refusals).toEqual([])
})
