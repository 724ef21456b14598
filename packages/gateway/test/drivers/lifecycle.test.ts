import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/driver.ts'
import type { BodyProblem } from '../../src/transfer/body-problem.ts'
import { bytes, collect, DRIVERS, deferred, makeDriver, pattern, run } from './bench.ts'
import { headerOf, RawClient } from './raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const hello = (exchange: Exchange): void => {
  exchange.respond(200, [], { body: bytes(`hello by ${exchange.scheme}`) })
}

describe.each(DRIVERS)('lifecycle, driver %s', (name) => {
  test('a port that is taken is a clear error', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { readonly port: number }
    await expect(makeDriver(name, { port }).start(hello)).rejects.toMatchObject({
      code: 'FLATEND_GATEWAY_LISTEN',
      message: `cannot listen on 127.0.0.1:${port}: another program has this port`,
    })
    server.close()
  })

  test.each(DRIVERS)('two drivers never share a port, the first being %s', async (first) => {
    const { port } = await run(first, hello)
    await expect(makeDriver(name, { port }).start(hello)).rejects.toMatchObject({
      code: 'FLATEND_GATEWAY_LISTEN',
    })
  })

  test('an address of another machine is a clear error', async () => {
    await expect(makeDriver(name, { host: '192.0.2.1' }).start(hello)).rejects.toMatchObject({
      code: 'FLATEND_GATEWAY_LISTEN',
      message: 'cannot listen on 192.0.2.1:0: the address is not one of this machine',
    })
  })

  test('the same port can be had again after destroy', async () => {
    const { port, driver, open } = await run(name, hello)
    await (await open()).send(GET).response()
    driver.destroy()
    const again = await run(name, hello, { port })
    expect(again.port).toBe(port)
    expect((await (await again.open()).send(GET).response())?.status).toBe(200)
  })

  test('IPv6, and IPv4 on a socket for both', async () => {
    const peers: string[] = []
    const answer = (exchange: Exchange): void => {
      peers.push(exchange.peer)
      hello(exchange)
    }
    const { port } = await run(name, answer, { host: '' })
    for (const host of ['::1', '127.0.0.1']) {
      const client = await RawClient.open({ port, host })
      expect((await client.send(GET).response())?.status).toBe(200)
      client.socket.destroy()
    }
    expect(peers).toEqual(['::1', '127.0.0.1'])
  })

  test('a client that leaves in the middle of its upload is told once', async () => {
    const told = deferred<unknown>()
    let closes = 0
    const { open } = await run(name, (exchange) => {
      exchange.onClose(() => closes++)
      collect(exchange).catch((error: unknown) => told.resolve(error))
    })
    const client = await open()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome')
    client.socket.destroySoon()
    expect(await told.promise).toBeInstanceOf(Error)
    await new Promise(setImmediate)
    expect(closes).toBe(1)
  })

  test('a client that leaves in the middle of its download is told once', async () => {
    const closed = deferred()
    let closes = 0
    const { open } = await run(name, (exchange) => {
      const sink = exchange.respond(200, [])
      exchange.onClose(() => {
        closes++
        closed.resolve()
      })
      void (async () => {
        for (;;) {
          if (!sink.write(pattern(60_000))) await sink.ready()
          if (closes > 0) break
        }
        // Nobody listens, nothing happens.
        sink.write(bytes('more'))
        sink.end()
        sink.abort()
        await sink.ready()
      })()
    })
    const client = await open()
    client.socket.once('data', () => client.socket.destroy())
    client.send(GET)
    await closed.promise
    await new Promise(setImmediate)
    expect(closes).toBe(1)
  })

  test('a client that leaves before the answer', async () => {
    const arrived = deferred<Exchange>()
    const closed = deferred()
    const { open, driver } = await run(name, (exchange) => {
      exchange.onClose(() => closed.resolve())
      arrived.resolve(exchange)
    })
    const client = await open()
    client.send(GET)
    const exchange = await arrived.promise
    client.socket.destroy()
    await closed.promise
    exchange.respond(200, [], { body: bytes('late') }).end()
    await driver.drain(0)
    await expect(exchange.body.read()).resolves.toBeNull()
  })

  test('an answer that arrived whole is no leaving', async () => {
    let closes = 0
    const { open, driver } = await run(name, (exchange) => {
      exchange.onClose(() => closes++)
      hello(exchange)
    })
    const client = await open()
    await client.send(GET).response()
    client.socket.destroy()
    await client.closed
    await driver.drain(1_000)
    expect(closes).toBe(0)
  })

  test('an upload without progress is broken off', async () => {
    const closed = deferred()
    const { open } = await run(
      name,
      (exchange) => {
        exchange.onClose(() => closed.resolve())
        void collect(exchange).catch(() => {})
      },
      { readTimeoutMs: 100 },
    )
    const client = await open()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome')
    await Promise.all([closed.promise, client.closed])
    expect(client.rest).toHaveLength(0)
  })

  test('an upload without progress is told so, and its connection ends', async () => {
    const { open } = await run(
      name,
      (exchange) => {
        collect(exchange).catch((error: unknown) => {
          const { problem } = error as BodyProblem
          exchange.respond(problem.status, [], { body: bytes(problem.detail) })
        })
      },
      { readTimeoutMs: 100 },
    )
    const told = async (framing: string): Promise<void> => {
      const client = await open()
      client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}`)
      expect((await client.response())?.status).toBe(408)
      await client.closed
    }
    // The end of a connection takes its time: both at once.
    await Promise.all([
      told('Content-Length: 100\r\n\r\nsome'),
      told('Transfer-Encoding: chunked\r\n\r\n4\r\nsome'),
    ])
  })

  test('a download without progress is broken off', async () => {
    const closed = deferred()
    const { open } = await run(
      name,
      (exchange) => {
        exchange.onClose(() => closed.resolve())
        exchange.respond(200, [], { body: new Uint8Array(64 << 20) })
      },
      { writeTimeoutMs: 200 },
    )
    const client = await open()
    client.socket.pause()
    client.send(GET)
    await closed.promise
    client.socket.resume()
    expect(await client.response()).toBeUndefined()
  })

  test('drain: what runs ends, with Connection: close; nothing new is taken', async () => {
    const arrived = deferred<Exchange>()
    const { open, driver, port } = await run(name, (exchange) => arrived.resolve(exchange))
    const client = await open()
    client.send(GET)
    const exchange = await arrived.promise
    driver.stopAccepting()
    await expect(RawClient.open({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    let drained = false
    const drain = (async () => {
      await driver.drain(10_000)
      drained = true
    })()
    await new Promise(setImmediate)
    expect(drained).toBe(false)
    exchange.respond(200, [], { body: bytes('last') })
    const response = await client.response()
    expect(response?.body.toString()).toBe('last')
    expect(headerOf(response!, 'connection')).toBe('close')
    await drain
    await client.closed
  })

  test('drain: a streamed answer says Connection: close too', async () => {
    const arrived = deferred<Exchange>()
    const { open, driver } = await run(name, (exchange) => arrived.resolve(exchange))
    const client = await open()
    client.send(GET)
    const exchange = await arrived.promise
    driver.stopAccepting()
    const sink = exchange.respond(200, [])
    sink.write(bytes('a'))
    setImmediate(() => sink.end(bytes('b')))
    const response = await client.response()
    expect(response?.body.toString()).toBe('ab')
    expect(headerOf(response!, 'connection')).toBe('close')
    await driver.drain(10_000)
  })

  test('drain gives up at its deadline, destroy ends what is left', async () => {
    const arrived = deferred()
    const { open, driver } = await run(name, () => arrived.resolve())
    const client = await open()
    client.send(GET)
    await arrived.promise
    driver.stopAccepting()
    await driver.drain(20)
    driver.destroy()
    await client.closed
    expect(() => driver.destroy()).not.toThrow()
  })
})
