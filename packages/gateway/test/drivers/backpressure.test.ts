import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import { bytes, collect, DRIVERS, deferred, echo, pattern, run, settled } from './bench.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const MEGABYTE = 1 << 20

describe.each(DRIVERS)('backpressure, driver %s', (name) => {
  test.each(['chunked', 'length'])('a large download with backpressure, %s', async (kind) => {
    const total = 48 * MEGABYTE
    const piece = pattern(MEGABYTE)
    let written = 0
    const { open } = await run(name, (exchange) => {
      const sink = exchange.respond(200, [], kind === 'length' ? { length: total } : {})
      void (async () => {
        for (; written < total; written += piece.length) if (!sink.write(piece)) await sink.ready()
        sink.end()
      })()
    })
    const client = await open()
    client.socket.pause()
    client.send(GET)
    // What the system buffers on loopback, and no more.
    expect(await settled(() => written)).toBeLessThan(16 * MEGABYTE)
    let received = 0
    let intact = true
    const done = deferred()
    client.socket.removeAllListeners('data')
    let head = 0
    client.socket.on('data', (chunk: Buffer) => {
      if (head === 0) head = chunk.indexOf('\r\n\r\n') + 4
      received += chunk.length
      if (kind === 'length') {
        if (received === chunk.length)
          intact = chunk.subarray(head).equals(piece.subarray(0, chunk.length - head))
        if (received >= total + head) done.resolve()
      } else if (chunk.subarray(-5).toString('latin1') === '0\r\n\r\n') done.resolve()
    })
    client.socket.resume()
    await done.promise
    expect(written).toBe(total)
    expect(intact).toBe(true)
    expect(received).toBeGreaterThanOrEqual(total)
  })

  test.each(['length', 'chunked'])('1 MB comes back as it was sent, %s', async (kind) => {
    const { open } = await run(name, (exchange) => void echo(exchange))
    const body = pattern(MEGABYTE)
    for (let i = 0; i < 3; i++) {
      const client = await open()
      if (kind === 'length')
        client
          .send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
          .send(body)
      else {
        client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
        for (let at = 0; at < body.length; at += 50_000) {
          const part = body.subarray(at, at + 50_000)
          client
            .send(`${part.length.toString(16)}\r\n`)
            .send(part)
            .send('\r\n')
        }
        client.send('0\r\n\r\n')
      }
      const response = await client.response()
      expect(response!.body.equals(Buffer.from(body))).toBe(true)
    }
  })

  test('a full pipe both ways holds both sides back, and loses nothing', async () => {
    const total = 40 * MEGABYTE
    let read = 0
    const { open } = await run(name, (exchange) => {
      void (async () => {
        const sink = exchange.respond(200, [], { length: total })
        for (let chunk = await exchange.body.read(); chunk; chunk = await exchange.body.read()) {
          read += chunk.length
          if (!sink.write(chunk)) await sink.ready()
        }
        sink.end()
      })()
    })
    const client = await open()
    client.socket.removeAllListeners('data')
    client.socket.pause()
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    const body = pattern(total)
    client.send(body)
    expect(await settled(() => read)).toBeLessThan(16 * MEGABYTE)
    const done = deferred()
    const parts: Buffer[] = []
    let received = 0
    client.socket.on('data', (chunk: Buffer) => {
      parts.push(chunk)
      received += chunk.length
      if (received > total) done.resolve()
    })
    client.socket.resume()
    await done.promise
    const all = Buffer.concat(parts)
    expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(Buffer.from(body))).toBe(true)
  })

  test('an upload that is not read is held back', async () => {
    const total = 48 * MEGABYTE
    const asked = deferred<Exchange>()
    const { open } = await run(name, (exchange) => asked.resolve(exchange))
    const client = await open()
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    const piece = Buffer.alloc(MEGABYTE)
    let sent = 0
    const push = (): void => {
      while (sent < total) {
        sent += piece.length
        if (!client.socket.write(piece)) break
      }
    }
    client.socket.on('drain', push)
    push()
    const exchange = await asked.promise
    expect(await settled(() => sent)).toBeLessThan(16 * MEGABYTE)
    const body = await collect(exchange)
    expect(body.length).toBe(total)
    exchange.respond(200, [], { body: bytes('ok') })
    expect((await client.response())?.status).toBe(200)
  })
})
