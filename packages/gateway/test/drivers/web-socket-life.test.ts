import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from '../../src/web-socket/port.ts'
import { bytes, DRIVERS, deferred, pattern, run, settled } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'
import { headerOf } from './raw-client.ts'
import { encodeFrame, WebSocketClient } from './web-socket-client.ts'

const MEGABYTE = 1 << 20
const LIMITS = { webSocket: { maxMessage: MEGABYTE } }
const OPTIONS: UpgradeOptions = {
  headers: [],
  protocol: undefined,
  maxMessage: MEGABYTE,
  deflate: false,
  pingMs: 0,
  idleMs: 0,
}
const ASK =
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** What happened at the server's side. */
class Heard implements WebSocketEvents {
  readonly messages: number[] = []
  bytes = 0
  drains = 0
  readonly closed = deferred<string>()
  closes = 0
  whenDrain: () => void = () => undefined

  message(data: Uint8Array): void {
    this.messages.push(data.length)
    this.bytes += data.length
  }
  drain(): void {
    this.drains++
    this.whenDrain()
  }
  close(code: number, reason: string): void {
    this.closes++
    this.closed.resolve(`${code} ${reason}`.trim())
  }
}

/** A listener whose WebSockets are told of, each with its events. */
async function listen(
  name: (typeof DRIVERS)[number],
  {
    options = {},
    ...more
  }: { readonly options?: Partial<UpgradeOptions> } & Record<string, unknown> = {},
) {
  const sockets: { readonly socket: ServerWebSocket; readonly heard: Heard }[] = []
  const handler = (exchange: Exchange): void => {
    const heard = new Heard()
    sockets.push({ socket: exchange.upgrade!({ ...OPTIONS, ...options }, heard), heard })
  }
  const running = await run(name, handler, { ...LIMITS, ...more })
  const connected = async () => {
    const client = await WebSocketClient.open(running.port)
    return { client, ...sockets.at(-1)! }
  }
  return { ...running, connected }
}

describe.each(DRIVERS)('WebSockets, driver %s', (name) => {
  test('the answer has the accept key, the protocol and the fields it is given', async () => {
    const { port } = await listen(name, {
      options: { protocol: 'v1', headers: ['set-cookie', 'ü=b'] },
    })
    const client = await WebSocketClient.open(port, 'Sec-WebSocket-Protocol: v2, v1\r\n')
    const head = Buffer.from(client.head, 'latin1').toString().toLowerCase()
    expect(head).toContain('\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n')
    expect(head).toContain('\r\nsec-websocket-protocol: v1\r\n')
    expect(head).toContain('\r\nset-cookie: ü=b\r\n')
    client.socket.destroy()
  })

  test('a field that breaks out of its line is refused, and an answer can be given still', async () => {
    const { port } = await run(
      name,
      (exchange) => {
        const upgrade = () =>
          exchange.upgrade!({ ...OPTIONS, headers: ['x', 'a\r\nb: c'] }, new Heard())
        expect(upgrade).toThrow(expect.objectContaining({ code: 'FLATEND_GATEWAY_STATE' }) as Error)
        exchange.respond(400, [], { body: bytes('no') })
        expect(upgrade).toThrow(expect.objectContaining({ code: 'FLATEND_GATEWAY_STATE' }) as Error)
      },
      LIMITS,
    )
    const client = await WebSocketClient.open(port)
    expect(client.head).toContain('400 Bad Request')
    client.socket.destroy()
  })

  test('a client that is quiet is asked, and stays where it answers', async () => {
    const { connected } = await listen(name, { options: { pingMs: 60 } })
    const { client, heard } = await connected()
    for (let pings = 0; pings < 3; ) {
      await once(client.socket, 'seen')
      if (client.seen.splice(0).includes('ping')) {
        pings++
        client.send({ opcode: 10 })
      }
    }
    expect(heard.closes).toBe(0)
    client.socket.destroy()
  })

  test('a client that does not answer is gone', async () => {
    const { connected } = await listen(name, { options: { pingMs: 60 } })
    const { client, heard } = await connected()
    await client.until(() => false)
    expect(client.seen).toEqual(['ping', 'end'])
    expect(await heard.closed.promise).toMatch(/^1006/)
    expect(heard.closes).toBe(1)
  })

  test('without messages it is closed in time; each puts that off', async () => {
    const { connected } = await listen(name, { options: { idleMs: 300 } })
    const { client, socket } = await connected()
    const began = performance.now()
    setTimeout(() => client.send({ opcode: 1, payload: 'a' }), 150)
    setTimeout(() => socket.send(bytes('b'), false), 250)
    // A ping is no message.
    setTimeout(() => client.send({ opcode: 9 }), 350)
    await client.until(() => client.seen.some((seen) => seen.startsWith('close')))
    expect(performance.now() - began).toBeGreaterThan(500)
    expect(client.seen).toContain('close 1001 idle')
  })

  test('a client that takes nothing: `send` says so, `drain` when there is room, nothing is lost', async () => {
    const { connected } = await listen(name)
    const { client, socket, heard } = await connected()
    client.socket.pause()
    const total = 40
    const piece = pattern(MEGABYTE)
    let sent = 0
    const push = (): void => {
      while (sent < total) {
        sent++
        if (!socket.send(piece.slice(), true)) break
      }
    }
    heard.whenDrain = push
    push()
    expect(await settled(() => sent)).toBeLessThan(16)
    let received = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    client.socket.resume()
    await settled(() => received)
    expect(sent).toBe(total)
    expect(received).toBeGreaterThanOrEqual(total * MEGABYTE)
    expect(heard.drains).toBeGreaterThan(0)
    client.socket.destroy()
  })

  test('a client that takes nothing for too long is gone', async () => {
    const { connected } = await listen(name, { writeTimeoutMs: 300 })
    const { client, socket, heard } = await connected()
    client.socket.pause()
    for (let i = 0; i < 12; i++) socket.send(pattern(MEGABYTE), true)
    expect(await heard.closed.promise).toMatch(/^1006/)
    client.socket.destroy()
  })

  test('a paused WebSocket: what arrives is bounded, and told later', async () => {
    const { connected } = await listen(name)
    const { client, socket, heard } = await connected()
    socket.pause()
    const frame = encodeFrame({ opcode: 2, payload: pattern(64_000) })
    let taken = 0
    const push = (): void => {
      while (taken < 400 && !client.socket.destroyed) {
        taken++
        if (!client.socket.write(frame)) break
      }
    }
    client.socket.on('drain', push)
    push()
    await settled(() => taken)
    if (name === 'uws') {
      // The library cannot be told to stop reading: known, and in DRIVERS.md.
      await client.until(() => client.seen.length > 0)
      expect(client.seen[0]).toBe('close 1013 the service is slower than you')
      return
    }
    expect(taken).toBeLessThan(400)
    expect(heard.bytes).toBeLessThan(MEGABYTE)
    socket.resume()
    await settled(() => heard.bytes)
    expect(heard.bytes).toBe(400 * 64_000)
    client.socket.destroy()
  })

  test('what was held is told before a close', async () => {
    const { connected } = await listen(name)
    const { client, socket, heard } = await connected()
    socket.pause()
    client.send({ opcode: 1, payload: 'held' }, { opcode: 8, payload: Uint8Array.of(3, 232) })
    setTimeout(() => socket.resume(), 50)
    expect(await heard.closed.promise).toBe('1000')
    expect(heard.messages).toEqual([4])
  })

  test('many large messages from within a message, and a slow client: each arrives whole', async () => {
    const heard = new Heard()
    const state: { socket?: ServerWebSocket } = {}
    const { port } = await run(
      name,
      (exchange) => {
        state.socket = exchange.upgrade!(OPTIONS, {
          message: () => {
            for (let i = 1; i <= 40; i++) state.socket?.send(pattern(i * 1_000), true)
          },
          drain: () => undefined,
          close: (code, reason) => heard.close(code, reason),
        })
      },
      LIMITS,
    )
    const client = await WebSocketClient.open(port)
    client.socket.pause()
    for (let i = 0; i < 10; i++) client.send({ opcode: 1, payload: 'go' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    client.socket.resume()
    await client.until(() => client.seen.length === 400)
    const sizes = Array.from({ length: 400 }, (_, i) => `binary ${((i % 40) + 1) * 1_000} bytes`)
    expect(client.seen).toEqual(sizes)
    client.socket.destroy()
  })

  test('drain closes with 1001, waits for clients, and takes no new ones', async () => {
    const { connected, driver } = await listen(name)
    const clients = [await connected(), await connected()]
    for (const { client } of clients) {
      client.socket.on('seen', () => {
        if (client.seen.at(-1)?.startsWith('close'))
          client.send({ opcode: 8, payload: Uint8Array.of(3, 233) })
      })
    }
    driver.stopAccepting()
    await driver.drain(5_000)
    for (const { client, heard } of clients) {
      await client.until(() => false)
      expect(client.seen).toEqual(['close 1001', 'end'])
      expect(await heard.closed.promise).toBe('1001')
    }
  })

  test('a client that leaves while it waits for an answer is told of', async () => {
    const left = deferred()
    const asked = deferred()
    const handler = (exchange: Exchange): void => {
      exchange.onClose(() => left.resolve())
      asked.resolve()
    }
    const { open } = await run(name, handler, LIMITS)
    const client = await open()
    client.send(ASK)
    await asked.promise
    client.socket.end()
    await left.promise
  })

  test('a request for a WebSocket can be answered by HTTP, in pieces and held back', async () => {
    const body = pattern(3 * MEGABYTE)
    const { open } = await run(
      name,
      (exchange) => {
        void (async () => {
          const sink = exchange.respond(200, ['x-a', 'b'])
          for (let at = 0; at < body.length; at += 100_000) {
            if (!sink.write(body.slice(at, at + 100_000))) await sink.ready()
          }
          sink.end()
        })()
      },
      LIMITS,
    )
    const client = await open()
    const response = await client.send(ASK).response()
    expect(response?.status).toBe(200)
    expect(headerOf(response!, 'x-a')).toBe('b')
    expect(response?.body.equals(Buffer.from(body))).toBe(true)
  })

  test('half an answer to such a request does not look whole', async () => {
    const { open } = await run(
      name,
      (exchange) => {
        const sink = exchange.respond(200, [])
        sink.write(bytes('some'))
        setImmediate(() => sink.abort())
      },
      LIMITS,
    )
    expect(await (await open()).send(ASK).response()).toBeUndefined()
  })

  test.each([
    ['h2c', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n'],
    ['TLS/1.0', 'Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n'],
  ])('a request that offers %s is one like any other, body and all', async (_, fields) => {
    const { open } = await run(
      name,
      (exchange) => {
        void exchange.body.read().then((body) => {
          exchange.respond(exchange.upgrade ? 500 : 200, [], { body: body ?? bytes('none') })
        })
      },
      LIMITS,
    )
    const client = await open()
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: 5\r\n\r\nhello`)
    expect((await client.response())?.body.toString()).toBe('hello')
    client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
    expect((await client.response())?.body.toString()).toBe('none')
  })

  test.each([false, true])('over TLS, HTTP/2 offered too: %s', async (http2) => {
    const { open } = await run(
      name,
      (exchange) => {
        const socket: ServerWebSocket = exchange.upgrade!(OPTIONS, {
          message: (data) => socket.send(data, false),
          drain: () => undefined,
          close: () => undefined,
        })
      },
      {
        ...LIMITS,
        http2,
        certificates: [{ names: ['a.test'], certificate: A_CERTIFICATE, key: A_KEY }],
      },
    )
    const raw = await open({ tls: true, servername: 'a.test' })
    const client = new WebSocketClient(raw.socket)
    raw.send(ASK)
    await client.until(() => client.head !== '')
    client.send({ opcode: 1, payload: 'secret' })
    await client.until(() => client.seen.length > 0)
    expect(client.seen).toEqual(['text secret'])
  })

  test('terminate breaks the connection, and is told once', async () => {
    const { connected } = await listen(name)
    const { client, socket, heard } = await connected()
    socket.terminate()
    expect(await heard.closed.promise).toMatch(/^1006/)
    await client.until(() => false)
    socket.send(bytes('late'), false)
    socket.close(1000, '')
    expect(heard.closes).toBe(1)
  })
})
