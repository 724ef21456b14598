import { once } from 'node:events'
import { parseConfig } from '@flatend/gateway'
import { loadUws } from '@flatend/gateway/uws'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import {
  type GatewayNode,
  type Handler,
  HandlerError,
  Node,
  type NodeError,
  startGateway,
} from '../src/index.ts'

const DRIVERS = ['error' in loadUws() ? [] : ['uws'], 'node'].flat() as ('uws' | 'node')[]
const MEGABYTE = 1 << 20
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** What handlers noted, by the id in the query. */
const noted = new Map<string, unknown>()

const services: Record<string, Handler> = {
  echo: async (ctx) => {
    const socket = ctx.webSocket({ protocols: ['v2', 'v1'] })
    for await (const message of socket) await socket.send(message)
    noted.set(ctx.query['id'] ?? '', [socket.closeCode, socket.closeReason, socket.signal.aborted])
  },
  greet: async (ctx) => {
    const socket = ctx.webSocket()
    await socket.send(`hello ${ctx.params['name']}`)
  },
  choose: (ctx) => {
    const socket = ctx.webSocket()
    try {
      socket.close(1006)
    } catch (error) {
      noted.set('refused', (error as NodeError).code)
    }
    socket.close(4001, 'ü'.repeat(100))
    socket.close(4002)
  },
  fails: async (ctx) => {
    const socket = ctx.webSocket()
    for await (const message of socket) {
      if (message === 'shown') throw new HandlerError(400, 'no such room')
      throw new Error('secret')
    }
  },
  leaves: async (ctx) => {
    const socket = ctx.webSocket()
    const iterator = socket[Symbol.asyncIterator]()
    await iterator.next()
    const goOn = async (): Promise<void> => {
      const { done } = await iterator.next()
      await socket.send('nobody hears that')
      noted.set(ctx.query['id'] ?? '', [done, socket.closeCode, socket.signal.aborted])
    }
    void goOn()
    throw new Error('secret')
  },
  refuses: (ctx) => {
    ctx.status(401)
    return { who: 'are you' }
  },
  ticks: async (ctx) => {
    const socket = ctx.webSocket()
    while (!socket.signal.aborted) {
      await socket.send('tick')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    noted.set(ctx.query['id'] ?? '', [socket.closeCode, ctx.cancelled])
  },
  floods: async (ctx) => {
    const socket = ctx.webSocket()
    for (let i = 1; !socket.closed && i <= 100; i++) {
      await socket.send(Buffer.alloc(MEGABYTE / 2))
      noted.set(ctx.query['id'] ?? '', i)
    }
  },
  sleeps: async (ctx) => {
    const socket = ctx.webSocket()
    await once(socket.signal, 'abort')
    noted.set(ctx.query['id'] ?? '', socket.closeCode)
  },
}

const route = (path: string, service: string): string =>
  `[[http.routes]]\npath = "GET /${path}"\nservice = "${service}"\nwebsocket = { ping = "200ms" }\n`

describe.each(DRIVERS)('ctx.webSocket(), driver %s', (driver) => {
  let gateway: GatewayNode
  let node: Node
  let url: string
  let ids = 0
  beforeAll(async () => {
    const names = Object.keys(services)
    const config = `addr = "127.0.0.1:0"\n[[http]]\naddr = "127.0.0.1:0"\ndriver = "${driver}"\n`
    const routes = names.map((name) => route(name === 'greet' ? 'greet/:name' : name, name))
    const plain = '[[http.routes]]\npath = "GET /plain"\nservice = "echo"\n'
    const parsed = parseConfig(config + routes.join('') + plain)
    gateway = await startGateway({ config: parsed, node: {}, log: silent })
    const addrs = [String(gateway.node.address)]
    node = await Node.start({ bindAddrs: ['127.0.0.1:0'], addrs, services, logger: silent })
    await vi.waitUntil(() => gateway.node.providersFor(['echo']).length === 1)
    url = `127.0.0.1:${gateway.listeners[0]?.port}`
  })
  afterAll(async () => {
    await gateway.stop()
    await node.shutdown()
  })

  /** A client, and the id its handler notes things under. */
  async function open(path: string, ...protocols: readonly string[]) {
    const id = `${driver}${ids++}`
    const socket = new WebSocket(`ws://${url}/${path}?id=${id}`, [...protocols])
    const messages: (string | Buffer)[] = []
    socket.on('message', (data: Buffer, binary) => messages.push(binary ? data : data.toString()))
    const closed = once(socket, 'close').then(([code, reason]) =>
      [code, String(reason)].join(' ').trim(),
    )
    await once(socket, 'open')
    return { id, socket, messages, closed }
  }

  test('messages go through one call both ways, in order, text and binary', async () => {
    const { socket, messages, closed, id } = await open('echo', 'v0', 'v1', 'v2')
    expect(socket.protocol).toBe('v2')
    const sent = [
      '',
      'ü 😀',
      Buffer.alloc(0),
      Buffer.from([0, 255]),
      'x'.repeat(MEGABYTE),
      Buffer.alloc(MEGABYTE, 7),
    ]
    for (const message of sent) socket.send(message)
    await vi.waitFor(() => expect(messages).toHaveLength(sent.length))
    // Not by toEqual: it takes seconds for a megabyte.
    const same = messages.map((message, i) =>
      Buffer.from(message).equals(Buffer.from(sent[i] ?? 'none')),
    )
    expect(same).toEqual(sent.map(() => true))
    expect(messages.map((message) => typeof message)).toEqual(sent.map((message) => typeof message))
    socket.close(4100, 'enough')
    expect(await closed).toBe('4100 enough')
    await vi.waitFor(() => expect(noted.get(id)).toEqual([4100, 'enough', true]))
  })

  test('the end of a handler closes', async () => {
    const { messages, closed } = await open('greet/J%C3%BCrgen')
    expect(await closed).toBe('1000')
    expect(messages).toEqual(['hello Jürgen'])
  })

  test('a handler closes with a code and a reason, cut to what fits; not with any code', async () => {
    expect(await (await open('choose')).closed).toBe(`4001 ${'ü'.repeat(61)}`)
    expect(noted.get('refused')).toBe('FLATEND_NODE_CLOSE_CODE')
  })

  test.each([
    ['shown', '1011 no such room'],
    ['anything', '1011 the service ended the connection'],
  ])('a handler that throws closes with 1011: %s', async (message, outcome) => {
    const { socket, closed } = await open('fails')
    socket.send(message)
    expect(await closed).toBe(outcome)
  })

  test('what a handler that throws leaves behind hears that it is closed', async () => {
    const { socket, closed, id } = await open('leaves')
    socket.send('go on')
    await closed
    await vi.waitFor(() => expect(noted.get(id)).toEqual([true, 1011, true]))
  })

  test('a handler that takes no WebSocket answers by HTTP', async () => {
    const socket = new WebSocket(`ws://${url}/refuses`)
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number },
    ]
    expect(response.statusCode).toBe(401)
    socket.on('error', () => {})
    socket.terminate()
  })

  test('a client that asks for no WebSocket gets 426, of the gateway or the handler', async () => {
    for (const path of ['echo', 'plain']) {
      const response = await fetch(`http://${url}/${path}`)
      expect(response.status).toBe(426)
      await response.text()
    }
  })

  test.each([
    ['closes', (socket: WebSocket) => socket.close(1000), [1000, false]],
    ['is gone', (socket: WebSocket) => socket.terminate(), [1006, true]],
  ] as const)('a handler that only sends stops when its client %s', async (_, leave, outcome) => {
    const { id, socket, messages } = await open('ticks')
    await vi.waitFor(() => expect(messages.length).toBeGreaterThan(1))
    leave(socket)
    await vi.waitFor(() => expect(noted.get(id)).toEqual(outcome))
  })

  test('a client that takes nothing stops the handler; its leaving ends it', async () => {
    const { id, socket } = await open('floods')
    socket.pause()
    let last: unknown
    await vi.waitFor(
      () => {
        const now = noted.get(id)
        const still = now !== undefined && now === last
        last = now
        expect(still).toBe(true)
      },
      { interval: 200, timeout: 5_000 },
    )
    // What the system buffers on loopback, and the credit of one call.
    expect(Number(last)).toBeLessThan(40)
    socket.terminate()
  })

  test('a handler that reads nothing holds its client back, and hears when it is gone', async () => {
    const { id, socket, closed } = await open('sleeps')
    const piece = Buffer.alloc(MEGABYTE / 2)
    for (let i = 0; i < 40 && socket.readyState === socket.OPEN; i++) {
      socket.send(piece)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    // uWebSockets.js cannot be told to stop reading: closed before it fills the memory.
    const held = socket.bufferedAmount > MEGABYTE ? 'held back' : await closed
    expect(held).toBe(driver === 'uws' ? '1013 the service is slower than you' : 'held back')
    socket.terminate()
    await vi.waitFor(() => expect(noted.get(id)).toBe(1006), 4_000)
  })
})
