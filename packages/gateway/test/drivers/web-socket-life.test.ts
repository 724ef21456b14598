import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { ServerWebSocket } from '../../src/web-socket/port.ts'
import { bytes, DRIVERS, pattern, run, settled } from './bench.ts'
import { encodeFrame, WebSocketClient } from './web-socket-client.ts'
import { Heard, LIMITS, listen, MEGABYTE, OPTIONS } from './web-socket-support.ts'

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
    // uWebSockets.js cannot be told to stop reading: known, and in DRIVERS.md.
    if (name === 'uws') await client.until(() => client.seen.length > 0)
    const closed = name === 'uws' ? ['close 1013 the service is slower than you'] : []
    expect(client.seen.slice(0, 1)).toEqual(closed)
    expect(heard.bytes).toBeLessThan(MEGABYTE)
    if (name === 'node') {
      socket.resume()
      await settled(() => heard.bytes)
    }
    expect(heard.bytes).toBe(name === 'uws' ? 0 : 400 * 64_000)
    client.socket.destroy()
  })

  test('a paused WebSocket: empty messages are bounded as well', async () => {
    const { connected } = await listen(name)
    const { client, socket, heard } = await connected()
    socket.pause()
    const frame = encodeFrame({ opcode: 2, payload: new Uint8Array(0) })
    client.socket.write(Buffer.concat(Array.from({ length: 50_000 }, () => frame)))
    if (name === 'uws') await client.until(() => client.seen.length > 0)
    const closed = name === 'uws' ? ['close 1013 the service is slower than you'] : []
    expect(client.seen).toEqual(closed)
    expect(heard.messages.length).toBeLessThan(50_000)
    socket.resume()
    await settled(() => heard.messages.length)
    expect(heard.messages).toHaveLength(name === 'uws' ? 0 : 50_000)
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
    const state: { socket?: ServerWebSocket | undefined } = {}
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
})
