import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import type { ServerWebSocket } from '../../src/web-socket/port.ts'
import { bytes, DRIVERS, deferred, pattern, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'
import { headerOf } from './raw-client.ts'
import { WebSocketClient } from './web-socket-client.ts'
import { ASK, LIMITS, listen, MEGABYTE, OPTIONS } from './web-socket-support.ts'

describe.each(DRIVERS)('connections of WebSockets, driver %s', (name) => {
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
    await expect(left.promise).resolves.toBeUndefined()
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
        void (async () => {
          const body = await exchange.body.read()
          exchange.respond(exchange.upgrade ? 500 : 200, [], { body: body ?? bytes('none') })
        })()
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
        const socket: ServerWebSocket | undefined = exchange.upgrade!(OPTIONS, {
          message: (data) => socket?.send(data, false),
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

  test.each([
    'permessage-deflate; x=y',
    'permessage-deflate; server_max_window_bits=99',
    'permessage-deflate; x="',
    ', ,',
  ])('an extension that is not to be understood is declined: %s', async (extension) => {
    const { port } = await listen(name, { options: { deflate: true } })
    const field = `Sec-WebSocket-Extensions: ${extension}\r\n`
    const client = await WebSocketClient.open(port, field)
    expect(client.head).toMatch(/^HTTP\/1.1 101 /)
    // uWebSockets.js takes such an offer: DRIVERS.md.
    const taken = /extensions/i.test(client.head)
    expect(taken).toBe(name === 'uws' && extension.startsWith('permessage'))
    client.socket.destroy()
  })

  test('many that are opened at once, after a while, all stay', async () => {
    const waiting: Exchange[] = []
    const { port } = await run(name, (exchange) => waiting.push(exchange), LIMITS)
    const opening = Array.from({ length: 128 }, () => WebSocketClient.open(port))
    while (waiting.length < opening.length) await new Promise((resolve) => setImmediate(resolve))
    const sockets: ServerWebSocket[] = []
    for (const [index, exchange] of waiting.entries()) {
      const events = {
        message: (data: Uint8Array) => sockets[index]?.send(data, false),
        drain: () => undefined,
        close: () => undefined,
      }
      sockets.push(exchange.upgrade!(OPTIONS, events)!)
    }
    const clients = await Promise.all(opening)
    for (const client of clients) client.send({ opcode: 1, payload: 'here' })
    await Promise.all(clients.map((client) => client.until(() => client.seen.length > 0)))
    expect(new Set(clients.flatMap(({ seen }) => seen))).toEqual(new Set(['text here']))
    for (const { socket } of clients) socket.destroy()
  })
})
