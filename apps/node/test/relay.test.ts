import {
  createMemoryNetwork,
  createVirtualClock,
  seededRandom,
  type VirtualClock,
} from '@flatend/monte/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Node, type NodeOptions, type Transport } from '../src/index.ts'

const SERVER = '10.0.0.1:9000'

/** Nodes in one memory network, on a virtual clock that a real loop turns. */
function world() {
  const clock = createVirtualClock()
  const network = createMemoryNetwork({ clock, random: seededRandom(5), latency: 1 })
  const turning = setInterval(() => clock.advance(5), 1)
  const nodes: Node[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.shutdown({ timeoutMs: 0 })))
    clearInterval(turning)
  })
  const start = async (host: number, options: NodeOptions = {}): Promise<Node> => {
    const from = `10.0.0.${host}`
    const transport: Transport = {
      listen: async ({ host: on, port }, { onLink }) => network.listen({ host: on, port, onLink }),
      dial: async ({ host: to, port }, { signal }) =>
        network.dial({ host: to, port, from, signal }),
    }
    const node = await Node.start({ clock, transport, ...options })
    nodes.push(node)
    return node
  }
  const server = (options: NodeOptions = {}): Promise<Node> =>
    start(1, { bindAddrs: [SERVER], ...options })
  const laptop = (host: number, options: NodeOptions = {}): Promise<Node> =>
    start(host, { addrs: [SERVER], ...options })
  return { clock, network, start, server, laptop }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !holds(); i++) await new Promise((resolve) => setImmediate(resolve))
  expect(holds()).toBe(true)
}

async function aMinute(clock: VirtualClock): Promise<void> {
  for (let seconds = 0; seconds < 60; seconds++) {
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Until a service is found from there. */
async function found(node: Node, service: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await node.resolve(service)).length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`nobody offers "${service}"`)
}

/** The same, with as much time as it takes to dial a seed again. */
async function eventually(clock: VirtualClock, holds: () => boolean): Promise<void> {
  for (let steps = 0; steps < 1_200 && !holds(); steps++) {
    clock.advance(50)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(holds()).toBe(true)
}

const echo: NodeOptions = { services: { echo: (ctx) => ctx.pipe(ctx) } }

describe('two nodes that nobody can dial', () => {
  test('call each other through the one that both dialed', async () => {
    const { server, laptop } = world()
    const relay = await server()
    const a = await laptop(2, { services: { a: () => 'from a' } })
    const b = await laptop(3, echo)
    await until(() => relay.stats().relay.reservations === 2)
    await found(a, 'echo')
    const body = 'x'.repeat(1_000_000)
    expect(await (await a.call('echo', body)).text()).toBe(body)
    const peer = a.peers().find(({ relayed }) => relayed)
    expect(peer?.id.toString()).toBe(b.id.toString())
    expect(peer?.outbound).toBe(true)
    expect(
      b
        .peers()
        .find(({ relayed }) => relayed)
        ?.id.toString(),
    ).toBe(a.id.toString())
    // The session between them is one: calls go the other way over the same circuit.
    expect(await (await b.call('a')).text()).toBe('from a')
    const { relay: carried } = relay.stats()
    expect(carried).toMatchObject({ circuits: 1, opened: 1 })
    expect(carried.bytes).toBeGreaterThan(2_000_000)
    await b.shutdown()
    await until(() => relay.stats().relay.circuits === 0)
    expect(relay.stats().relay.reservations).toBe(1)
  })

  test('find each other again when the relay was gone for a while', async () => {
    const { server, laptop, network, clock } = world()
    const relay = await server()
    const a = await laptop(2)
    const b = await laptop(3, echo)
    await until(() => relay.stats().relay.reservations === 1)
    await found(a, 'echo')
    network.partition([['10.0.0.1']])
    // Silence is noticed by pings that nobody answers.
    await aMinute(clock)
    expect([a.peers(), b.peers()]).toEqual([[], []])
    network.heal()
    await aMinute(clock)
    await until(() => a.peers().length > 0 && relay.stats().relay.reservations === 1)
    await found(a, 'echo')
    expect(await (await a.call('echo', 'again')).text()).toBe('again')
  })

  test('go on over the older of two connections to the relay, until they are done', async () => {
    const { server, laptop, network, clock } = world()
    const second = '10.0.0.1:9001'
    const relay = await server({ bindAddrs: [SERVER, second] })
    let open = false
    const slowly = (options: NodeOptions = {}): NodeOptions => ({
      addrs: [SERVER, second],
      transport: {
        listen: () => Promise.reject(new Error('nobody can dial it')),
        dial: async ({ host, port }, { signal }) => {
          if (port === 9001 && !open) throw new Error('not yet')
          return network.dial({ host, port, from: '10.0.0.7', signal })
        },
      },
      ...options,
    })
    const a = await laptop(2, slowly())
    await laptop(3, slowly(echo))
    await until(() => relay.stats().relay.reservations === 1)
    await found(a, 'echo')
    const pieces = new TransformStream<string, string>()
    const writer = pieces.writable.getWriter()
    const reply = a.call('echo', pieces.readable, { timeoutMs: 600_000 })
    await writer.write('before, ')
    await until(() => relay.stats().relay.circuits === 1)
    expect(relay.stats().connections.connections).toBe(2)
    open = true
    await eventually(clock, () => relay.stats().connections.connections === 4)
    await until(() => relay.stats().relay.reservations === 1)
    await writer.write('after')
    await writer.close()
    expect(await (await reply).text()).toBe('before, after')
    expect(relay.stats()).toMatchObject({ relay: { circuits: 1 }, connections: { connections: 4 } })
    // The session inside would stay for ever: after ten minutes it is cut.
    for (let minutes = 0; minutes <= 10; minutes++) await aMinute(clock)
    await eventually(clock, () => relay.stats().connections.connections === 2)
    const c = await laptop(4)
    await found(c, 'echo')
    expect(await (await c.call('echo', 'over the newer')).text()).toBe('over the newer')
  })

  test('do not where the one in between is no relay', async () => {
    const { server, laptop } = world()
    const relay = await server({ relay: false })
    const a = await laptop(2)
    await laptop(3, echo)
    await expect(a.call('echo', '', { timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'FLATEND_RPC_NO_PROVIDER',
    })
    expect(relay.stats().relay).toMatchObject({ reservations: 0, circuits: 0 })
  })
})

test('a node needs relays while it offers something, and none where it only calls', async () => {
  const { server, laptop } = world()
  const relay = await server()
  const node = await laptop(2)
  await until(() => node.peers().length === 1)
  expect(relay.stats().relay.reservations).toBe(0)
  node.register('late', () => 'here')
  await until(() => relay.stats().relay.reservations === 1)
  const other = await laptop(3)
  await found(other, 'late')
  expect(await (await other.call('late')).text()).toBe('here')
  node.unregister('late')
  await until(() => relay.stats().relay.reservations === 0)
})

test('a node that can be dialed is, and has no relay', async () => {
  const { server, laptop, start } = world()
  const relay = await server()
  await start(4, { addrs: [SERVER], bindAddrs: ['10.0.0.4:9000'], ...echo })
  const a = await laptop(2)
  await found(a, 'echo')
  expect(a.peers().some(({ relayed }) => relayed)).toBe(false)
  expect(relay.stats().relay).toMatchObject({ reservations: 0, circuits: 0, opened: 0 })
})
