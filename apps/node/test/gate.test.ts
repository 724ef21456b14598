import type { AdmissionLimits, Hello, Link } from '@flatend/monte'
import {
  createMemoryNetwork,
  createVirtualClock,
  type MemoryNetwork,
  seededRandom,
  type VirtualClock,
} from '@flatend/monte/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Access } from '../src/access.ts'
import { Gate } from '../src/gate.ts'
import { type Clock, type Logger, Node, type NodeOptions, type Transport } from '../src/index.ts'
import { RareLog } from '../src/rare-log.ts'

interface Line {
  readonly fields: object
  readonly message: string
}

const ignore = (): void => undefined

/** A logger that keeps what is warned of. */
function recorder() {
  const lines: Line[] = []
  const warn = (fields: object, message: string): void => void lines.push({ fields, message })
  return { lines, log: { debug: ignore, info: ignore, warn, error: ignore } }
}

const gateOf = ({
  clock,
  log,
  limits,
}: {
  readonly clock: Clock
  readonly log: Logger
  readonly limits: Partial<AdmissionLimits>
}): Gate => {
  const rare = new RareLog(log, clock)
  const access = new Access({ authorize: undefined, allow: undefined, log: rare })
  return new Gate({ clock, log: rare, access, limits })
}
const hello = (seed: number): Hello => ({ publicKey: new Uint8Array(32).fill(seed) }) as Hello
const at = (i: number) => ({ host: `10.0.0.${i}`, port: 1 })
const context = { role: 'listener', remote: undefined } as const

describe('the gate', () => {
  test('logs one refusal for each reason in ten seconds, and how many it did not', () => {
    const clock = createVirtualClock()
    const { lines, log } = recorder()
    const gate = gateOf({ clock, log, limits: { connectionBurst: 1, connectionsPerSecond: 1 } })
    for (let i = 0; i < 50; i++) gate.accept(at(1))?.closed()
    expect(lines).toEqual([
      {
        fields: {
          limit: 'rate',
          reason: 'more than 1 new connections a second',
          remote: '10.0.0.1:1',
        },
        message: 'connection refused: a limit is reached',
      },
    ])
    clock.advance(10_000)
    for (let i = 0; i < 50; i++) gate.accept(at(1))?.closed()
    expect(lines.length).toBe(2)
    expect(lines[1]?.fields).toMatchObject({ limit: 'rate', unsaid: 48 })
    expect(gate.metrics.refused.rate).toBe(98)
  })

  test('refuses an identity over its number when it is proven', () => {
    const { lines, log } = recorder()
    const gate = gateOf({ clock: createVirtualClock(), log, limits: { maxPerIdentity: 2 } })
    const entries = [1, 2, 3].map((i) => gate.accept(at(i)))
    const verdicts = entries.map((entry) => entry?.authorize(hello(7), context))
    expect(verdicts).toEqual([true, true, '2 connections have this identity'])
    expect(lines.length).toBe(1)
    for (const entry of entries) entry?.closed()
    expect(gate.metrics).toMatchObject({ connections: 0, halfOpen: 0, identities: 0 })
  })

  test('dials nobody where there are too many connections', () => {
    const { log } = recorder()
    const gate = gateOf({ clock: createVirtualClock(), log, limits: { maxConnections: 1 } })
    const entry = gate.dial()
    expect(() => gate.dial()).toThrow(
      expect.objectContaining({ code: 'FLATEND_NODE_CONNECTIONS' }) as Error,
    )
    entry.closed()
    expect(gate.dial()).toBeDefined()
  })
})

/** Nodes in one memory network, on a virtual clock that a real loop turns. */
function world() {
  const clock = createVirtualClock()
  const network = createMemoryNetwork({ clock, random: seededRandom(3), latency: 1 })
  const turning = setInterval(() => clock.advance(5), 1)
  onTestFinished(() => clearInterval(turning))
  return { clock, network }
}

function transportOf(network: MemoryNetwork, from: string): Transport {
  return {
    listen: async ({ host, port }, { onLink }) => network.listen({ host, port, onLink }),
    dial: async ({ host, port }) => network.dial({ host, port, from }),
  }
}

async function startNode(
  { clock, network }: { readonly clock: VirtualClock; readonly network: MemoryNetwork },
  host: string,
  options: NodeOptions = {},
): Promise<Node> {
  const node = await Node.start({ clock, transport: transportOf(network, host), ...options })
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !condition(); i++)
    await new Promise((resolve) => setImmediate(resolve))
  expect(condition()).toBe(true)
}

describe('a node', () => {
  test('takes 16 connections of a host that say nothing, and lets others in', async () => {
    const scene = world()
    const { lines, log } = recorder()
    const node = await startNode(scene, '10.0.0.1', { bindAddrs: ['10.0.0.1:9000'], logger: log })
    const links: Link[] = []
    let closed = 0
    for (let i = 0; i < 20; i++) {
      const link = await scene.network.dial({ host: '10.0.0.1', port: 9_000, from: '10.9.9.9' })
      link.attach({
        onData: () => undefined,
        onDrain: () => undefined,
        onEnd: () => undefined,
        onClose: () => closed++,
      })
      links.push(link)
    }
    await until(() => closed >= 4)
    expect(node.stats().connections.refused['half-open-host']).toBe(4)
    expect(lines.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ limit: 'half-open-host' }),
    ])
    const other = await startNode(scene, '10.0.0.2', { addrs: ['10.0.0.1:9000'] })
    expect(other.peers().length).toBe(1)
    // Silence ends the others by the handshake's deadline.
    scene.clock.advance(5_000)
    await until(() => node.stats().connections.halfOpen === 0)
    expect(node.stats().connections.connections).toBe(1)
  })

  test('shutting down cuts connections whose handshake goes on', async () => {
    const scene = world()
    const node = await startNode(scene, '10.0.0.1', {
      bindAddrs: ['10.0.0.1:9000'],
      limits: { session: { handshakeMs: 3_600_000 } },
    })
    const link = await scene.network.dial({ host: '10.0.0.1', port: 9_000, from: '10.9.9.9' })
    let closed = false
    link.attach({
      onData: () => undefined,
      onDrain: () => undefined,
      onEnd: () => undefined,
      onClose: () => {
        closed = true
      },
    })
    await until(() => node.stats().connections.halfOpen === 1)
    await node.shutdown({ timeoutMs: 0 })
    await until(() => closed)
    expect(node.stats().connections).toMatchObject({ connections: 0, halfOpen: 0 })
  })

  test('tells an identity that has its number of connections so', async () => {
    const scene = world()
    const limits = { admission: { maxPerIdentity: 1 } }
    const node = await startNode(scene, '10.0.0.1', { bindAddrs: ['10.0.0.1:9000'], limits })
    const secretKey = new Uint8Array(32).fill(4)
    const one = await startNode(scene, '10.0.0.2', { addrs: ['10.0.0.1:9000'], secretKey })
    expect(one.peers().length).toBe(1)
    const two = await startNode(scene, '10.0.0.3', { addrs: ['10.0.0.1:9000'], secretKey })
    await until(() => node.stats().connections.refused.identity > 0)
    expect(two.peers()).toEqual([])
    expect(one.peers().length).toBe(1)
  })
})

test('limits that cannot be used fail the start', async () => {
  for (const limits of [{ admission: { maxConnections: 0 } }, { session: { stallMs: -1 } }])
    await expect(Node.start({ limits })).rejects.toMatchObject({ code: 'FLATEND_MONTE_LIMIT' })
})
