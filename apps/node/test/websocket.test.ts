import { createServer, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { stablelibSuite } from '@flatend/monte/suite/stablelib'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Node, type NodeOptions } from '../src/index.ts'

async function start(options: NodeOptions): Promise<Node> {
  const node = await Node.start(options)
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 3_000 && !condition(); i++)
    await new Promise((resolve) => setTimeout(resolve, 2))
  expect(condition()).toBe(true)
}

/** Bytes that repeat nowhere soon, and the sum of any part of them that starts at 0. */
function* chunks(count: number): Generator<Buffer> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(65_536, `${i} `)
}
const pages = (count: number): Buffer => Buffer.concat([...chunks(count)])

const echo: NonNullable<NodeOptions['services']> = {
  name: () => 'a',
  echo: (ctx) => void ctx.pipe(ctx),
}

describe('nodes joined by a WebSocket alone', { timeout: 60_000 }, () => {
  let a: Node
  let b: Node
  let made = 0
  beforeEach(async () => {
    made = 0
    const flood = (): Readable => {
      return Readable.from(
        (function* () {
          for (let i = 0; i < 2_000; i++) {
            made += 65_536
            yield Buffer.alloc(65_536)
          }
        })(),
      )
    }
    a = await start({ bindAddrs: ['ws://127.0.0.1:0'], services: { ...echo, flood } })
    b = await start({
      addrs: [a.listening[0] as string],
      suite: stablelibSuite,
      services: { name: () => 'b' },
    })
    await until(() => a.peers().length === 1 && b.peers().length === 1)
  })

  test('call each other', async () => {
    expect(a.listening[0]).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/)
    expect(a.address).toBeUndefined()
    expect(await (await b.call('echo', 'hello')).text()).toBe('hello')
    a.unregister('name')
    await until(() => a.providersFor(['name']).length === 1)
    expect(await (await a.call('name')).text()).toBe('b')
    b.unregister('name')
    const many = Array.from({ length: 50 }, (_, i) => b.call('echo', `${i}`))
    const texts = await Promise.all((await Promise.all(many)).map((reply) => reply.text()))
    expect(texts).toEqual(many.map((_, i) => `${i}`))
  })

  test('stream 10 MB there and back at once', async () => {
    const reply = await b.call('echo', Readable.from(chunks(160)))
    const back = await reply.bytes()
    expect(back.length).toBe(10_485_760)
    expect(back.equals(pages(160))).toBe(true)
  })

  test('a slow reader stops its sender', async () => {
    const reply = await b.call('flood')
    const body = reply.body[Symbol.asyncIterator]()
    await body.next()
    // The sender goes on until it has no more credit, and then waits.
    let before = -1
    while (before !== made) {
      before = made
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(made).toBeLessThan(2_097_152)
    let read = 0
    for await (const chunk of { [Symbol.asyncIterator]: () => body }) {
      read += (chunk as Buffer).length
      if (read > 4_194_304) break
    }
    expect(made).toBeGreaterThan(4_194_304)
    expect(made).toBeLessThan(read + 2_097_152)
  })

  test('say goodbye in order', async () => {
    await b.shutdown({ timeoutMs: 1_000 })
    await until(() => a.peers().length === 0)
    await until(() => a.stats().connections.connections === 0)
    expect(a.stats().connections).toMatchObject({ halfOpen: 0, identities: 0 })
  })

  test('notice that the other is gone', async () => {
    await a.shutdown({ timeoutMs: 0 })
    await until(() => b.peers().length === 0)
    await expect(b.call('echo', '')).rejects.toMatchObject({ kind: 'no-provider' })
  })
})

/** A proxy that passes WebSockets under /mesh and nothing else. */
async function proxy(target: AddressInfo): Promise<{ readonly port: number; requests: number }> {
  const seen = { port: 0, requests: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((_, response) => response.writeHead(404).end())
  server.on('upgrade', (incoming, socket: Socket, head) => {
    seen.requests++
    if (incoming.url !== '/mesh') {
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      return
    }
    const outgoing = request({ host: target.address, port: target.port, headers: incoming.headers })
    outgoing.on('upgrade', (answer, upstream: Socket, first: Buffer) => {
      const lines = answer.rawHeaders.flatMap((name, i, all) =>
        i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : [],
      )
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      socket.write(first)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
      for (const one of [upstream, socket]) {
        sockets.add(one)
        one.on('error', () => one.destroy())
      }
    })
    outgoing.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  seen.port = (server.address() as AddressInfo).port
  return seen
}

const portOf = (node: Node): number => Number(new URL(node.listening[0] as string).port)

/** How a page of a web site fares. */
const knock = (node: Node, origin: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(node.listening[0] as string, 'flatend', { origin })
    socket.on('open', () => {
      resolve('open')
      socket.terminate()
    })
    socket.on('error', ({ message }) => resolve(message))
  })

describe('a node that takes WebSockets', () => {
  test('is joined through a proxy that passes only HTTP, by a path of it', async () => {
    const a = await start({ bindAddrs: ['ws://127.0.0.1:0'], services: { name: () => 'a' } })
    const between = await proxy({ address: '127.0.0.1', port: portOf(a), family: 'IPv4' })
    const b = await start({ addrs: [`ws://127.0.0.1:${between.port}/mesh`] })
    expect(await (await b.call('name')).text()).toBe('a')
    expect(between.requests).toBe(1)
  })

  test('takes TCP beside it, and advertises that', async () => {
    const a = await start({
      bindAddrs: ['ws://127.0.0.1:0', '127.0.0.1:0'],
      services: { name: () => 'a' },
    })
    expect(a.address).toBe(a.listening[1])
    const b = await start({ addrs: [a.listening[0] as string] })
    const c = await start({ addrs: [a.listening[1] as string] })
    for (const node of [b, c]) expect(await (await node.call('name')).text()).toBe('a')
  })

  test('tells a browser’s page from elsewhere no, unless its site is named', async () => {
    const site = 'https://example.com'
    const closed = await start({ bindAddrs: ['ws://127.0.0.1:0'] })
    expect(await knock(closed, site)).toBe('Unexpected server response: 401')
    const open = await start({ bindAddrs: ['ws://127.0.0.1:0'], webOrigins: [site] })
    expect(await knock(open, site)).toBe('open')
    expect(await knock(open, 'https://example.org')).toBe('Unexpected server response: 401')
  })

  test('answers other requests with 426', async () => {
    const node = await start({ bindAddrs: ['ws://127.0.0.1:0'] })
    const response = await fetch((node.listening[0] as string).replace('ws:', 'http:'))
    expect(response.status).toBe(426)
    expect(await response.text()).toContain('WebSocket')
  })

  test('holds 16 sockets of a host that ask for nothing, and closes the seventeenth', async () => {
    const node = await start({ bindAddrs: ['ws://127.0.0.1:0'] })
    let closed = 0
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(portOf(node), '127.0.0.1')
      return socket.on('close', () => closed++).on('error', () => undefined)
    })
    await until(() => closed >= 4)
    expect(closed).toBe(4)
    for (const socket of sockets) socket.destroy()
    await until(() => closed === 20)
    const b = await start({ addrs: [node.listening[0] as string] })
    expect(b.peers().length).toBe(1)
  })

  test('holds as many as its limits say, whether they are WebSockets yet or not', async () => {
    const limits = { admission: { maxHalfOpenPerHost: 2 } }
    const node = await start({ bindAddrs: ['ws://127.0.0.1:0'], limits })
    let closed = 0
    const silent = Array.from({ length: 5 }, () =>
      connect(portOf(node), '127.0.0.1')
        .on('close', () => closed++)
        .on('error', () => undefined),
    )
    await until(() => closed >= 3)
    for (const socket of silent) socket.destroy()
    await until(() => closed === 5)
    const mute = () => new WebSocket(node.listening[0] as string, 'flatend')
    const open: WebSocket[] = []
    for (let i = 0; i < 3; i++) {
      const socket = mute()
      open.push(socket)
      await new Promise((resolve) => socket.on('open', resolve))
    }
    await until(() => node.stats().connections.refused['half-open-host'] === 1)
    expect(node.stats().connections.halfOpen).toBe(2)
    for (const socket of open) socket.terminate()
  })

  test('at a taken port: an error in words', async () => {
    const node = await start({ bindAddrs: ['ws://127.0.0.1:0'] })
    await expect(Node.start({ bindAddrs: [node.listening[0] as string] })).rejects.toMatchObject({
      code: 'FLATEND_MONTE_LISTEN',
      message: `cannot listen on 127.0.0.1:${portOf(node)}: the port is taken by another program (EADDRINUSE)`,
    })
  })
})
