import { describe, expect, test } from 'vitest'
import { DOWN_HINT, WATCH } from '../src/codec.ts'
import { toHex } from '../src/index.ts'
import type { TestNode } from './support/mesh.ts'
import { areConnected, RecordMesh } from './support/record-mesh.ts'

const SERVICE = 'far'

/** Those who have no connection to the node. */
function strangers(nodes: readonly TestNode[], node: TestNode): TestNode[] {
  return nodes.filter((one) => one !== node && one.up && !areConnected(one, node))
}

function stranger(nodes: readonly TestNode[], node: TestNode): TestNode {
  const [found] = strangers(nodes, node)
  if (!found) throw new Error('everybody is connected')
  return found
}

interface Far {
  readonly mesh: RecordMesh
  readonly nodes: TestNode[]
  readonly provider: TestNode
}

async function farProvider(seed: number, size = 60): Promise<Far> {
  const mesh = new RecordMesh(seed)
  const nodes = await mesh.grow(size)
  const provider = mesh.recordNode({ services: [SERVICE] }).start()
  await mesh.clock.advance(3_000)
  return { mesh, nodes, provider }
}

const holdersOf = (nodes: readonly TestNode[]): TestNode[] =>
  nodes.filter(({ discovery }) => (discovery.recordStats?.stored ?? 0) > 0)

const expectNoErrors = ({ nodes }: RecordMesh): void => {
  for (const { errors } of nodes) expect(errors).toEqual([])
}

describe('a service beyond our connections', () => {
  test.each([1, 2, 3, 4])(
    'is found by the record its provider published (seed %i)',
    async (seed) => {
      const { mesh, nodes, provider } = await farProvider(seed)
      expect(holdersOf(nodes)).toHaveLength(16)
      const node = stranger(nodes, provider)
      expect(node.discovery.providers(SERVICE)).toEqual([])
      expect(await mesh.resolve(node, SERVICE)).toEqual([toHex(provider.key)])
      expect(areConnected(node, provider)).toBe(true)
      expect(node.discovery.recordStats?.lookups).toBe(1)
      expectNoErrors(mesh)
    },
  )

  test('is looked up once for all who wait', async () => {
    const { mesh, nodes, provider } = await farProvider(5)
    const node = stranger(nodes, provider)
    const found = Array.from({ length: 20 }, () =>
      node.discovery.resolve(SERVICE, new AbortController()),
    )
    await mesh.clock.advance(5_000)
    for (const peers of await Promise.all(found)) expect(peers).toHaveLength(1)
    expect(node.discovery.recordStats?.lookups).toBe(1)
  })

  test('is waited for no longer than the signal says; the others go on', async () => {
    const { mesh, nodes, provider } = await farProvider(5)
    const node = stranger(nodes, provider)
    const abort = new AbortController()
    const impatient = node.discovery.resolve(SERVICE, abort)
    const patient = node.discovery.resolve(SERVICE, new AbortController())
    abort.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    await mesh.clock.advance(5_000)
    expect(await patient).toHaveLength(1)
    await expect(node.discovery.resolve(SERVICE, abort)).rejects.toThrow('enough')
  })

  test('that its provider takes away is found no more', async () => {
    const { mesh, nodes, provider } = await farProvider(6)
    provider.services = []
    provider.discovery.setServices([])
    await mesh.clock.advance(2_000)
    expect(await mesh.resolve(stranger(nodes, provider), SERVICE)).toEqual([])
    provider.discovery.setServices([SERVICE])
    provider.services = [SERVICE]
    await mesh.clock.advance(12_000)
    expect(await mesh.resolve(stranger(nodes, provider), SERVICE)).toHaveLength(1)
    expectNoErrors(mesh)
  })

  test('goes with a provider that stops', async () => {
    const { mesh, nodes, provider } = await farProvider(7)
    const node = stranger(nodes, provider)
    provider.stop()
    await mesh.clock.advance(1_000)
    const { dialed } = node
    const before = dialed.length
    expect(await mesh.resolve(node, SERVICE)).toEqual([])
    expect(dialed.slice(before)).not.toContain(provider.address)
  })

  test('is over when its provider is silent for 15 minutes', async () => {
    const { mesh, nodes, provider } = await farProvider(8, 30)
    provider.crash()
    await mesh.clock.advance(901_000)
    const node = stranger(nodes, provider)
    const before = node.dialed.length
    expect(await mesh.resolve(node, SERVICE)).toEqual([])
    expect(node.dialed.slice(before)).not.toContain(provider.address)
  })

  test('is published again when all who held its record are gone', async () => {
    const { mesh, nodes, provider } = await farProvider(9, 80)
    const holders = holdersOf(nodes).filter((one) => one !== nodes[0])
    for (const holder of holders) holder.crash()
    await mesh.clock.advance(331_000)
    const left = nodes.filter((one) => !holders.includes(one))
    expect(holdersOf(left).length).toBeGreaterThanOrEqual(16)
    // What lookups connected is let go of meanwhile.
    await mesh.clock.advance(270_000)
    const node = stranger(nodes, provider)
    expect(await mesh.resolve(node, SERVICE)).toEqual([toHex(provider.key)])
    expectNoErrors(mesh)
  })

  test('of a provider that is gone is reported, and its holders look for themselves', async () => {
    const { mesh, nodes, provider } = await farProvider(10)
    const holders = holdersOf(nodes)
    provider.crash()
    await mesh.clock.advance(1_000)
    const node = nodes.find((one) => !holders.includes(one)) as TestNode
    expect(await mesh.resolve(node, SERVICE)).toEqual([])
    await mesh.clock.advance(5_000)
    const hinted = holders.filter(({ heard }) => (heard.get(DOWN_HINT) ?? 0) > 0)
    expect(hinted.length).toBeGreaterThan(0)
    const other = nodes.findLast((one) => !holders.includes(one)) as TestNode
    const before = other.dialed.length
    await mesh.resolve(other, SERVICE)
    // Not all holders were told, but none is asked about a provider it knows to be gone.
    expect(
      other.dialed.slice(before).filter((one) => one === provider.address).length,
    ).toBeLessThan(3)
    expectNoErrors(mesh)
  })

  test('is asked of many holders when the first knows of dead providers only', async () => {
    const { mesh, nodes, provider } = await farProvider(11)
    const second = mesh.recordNode({ services: [SERVICE] }).start()
    await mesh.clock.advance(3_000)
    const node = strangers(nodes, second).find((one) => !areConnected(one, provider)) as TestNode
    provider.crash()
    expect(await mesh.resolve(node, SERVICE)).toEqual([toHex(second.key)])
  })
})

describe('that nobody offers a service', () => {
  test('is remembered for a second, then for longer, up to ten', async () => {
    const mesh = new RecordMesh(12)
    const nodes = await mesh.grow(20)
    const node = nodes[7] as TestNode
    const lookups = async (): Promise<number> => {
      const { recordStats } = node.discovery
      const before = recordStats?.lookups ?? 0
      expect(await mesh.resolve(node, 'none')).toEqual([])
      return (recordStats?.lookups ?? 0) - before
    }
    expect(await lookups()).toBe(1)
    expect(await lookups()).toBe(0)
    await mesh.clock.advance(1_000)
    expect(await lookups()).toBe(1)
    await mesh.clock.advance(1_000)
    expect(await lookups()).toBe(0)
    await mesh.clock.advance(1_000)
    expect(await lookups()).toBe(1)
  })

  test('is forgotten at once when a peer says that it does', async () => {
    const mesh = new RecordMesh(13)
    const [first, , node] = await mesh.grow(20)
    const { discovery } = node as TestNode
    expect(await mesh.resolve(node as TestNode, SERVICE)).toEqual([])
    first?.discovery.setServices([SERVICE])
    await mesh.clock.advance(60)
    expect(discovery.providers(SERVICE)).toHaveLength(1)
    first?.discovery.setServices([])
    await mesh.clock.advance(100)
    const before = discovery.recordStats?.lookups ?? 0
    await mesh.resolve(node as TestNode, SERVICE)
    expect(discovery.recordStats?.lookups).toBe(before + 1)
  })
})

describe('a service that somebody watches', () => {
  test('is told of as soon as a far provider publishes it, and when that goes', async () => {
    const { mesh, nodes, provider } = await farProvider(14)
    const node = stranger(nodes, provider)
    const told: number[] = []
    const end = node.discovery.watch(SERVICE, ({ length }) => {
      // Another connection to the same node is a change too.
      if (told.at(-1) !== length) told.push(length)
    })
    await mesh.clock.advance(5_000)
    expect(told).toEqual([1])
    expect(mesh.nodes.reduce((sum, { heard }) => sum + (heard.get(WATCH) ?? 0), 0)).toBeGreaterThan(
      0,
    )
    provider.stop()
    await mesh.clock.advance(1_000)
    expect(told).toEqual([1, 0])
    const next = mesh.recordNode({ services: [SERVICE] }).start()
    // The holders tell of it: nobody waits for the next look at the cache.
    await mesh.clock.advance(3_000)
    expect(told).toEqual([1, 0, 1])
    end()
    next.stop()
    await mesh.clock.advance(1_000)
    expect(told).toHaveLength(3)
    expectNoErrors(mesh)
  })

  test('is looked for again and again where nobody offers it', async () => {
    const mesh = new RecordMesh(15)
    const nodes = await mesh.grow(30)
    const told: number[] = []
    const watcher = nodes[9] as TestNode
    watcher.discovery.watch(SERVICE, (peers) => told.push(peers.length))
    await mesh.clock.advance(20_000)
    mesh.recordNode({ services: [SERVICE] }).start()
    await mesh.clock.advance(20_000)
    // Told again where another connection to it takes the place of the first.
    expect(new Set(told)).toEqual(new Set([1]))
  })
})

test('a key that many ask for is answered by nodes on the way too, for a minute', async () => {
  const { mesh, nodes, provider } = await farProvider(16, 120)
  const holders = holdersOf(nodes)
  for (const node of strangers(nodes, provider)) {
    expect(await mesh.resolve(node, SERVICE)).toHaveLength(1)
  }
  const copies = holdersOf(nodes).filter((one) => !holders.includes(one))
  expect(copies.length).toBeGreaterThan(0)
  for (const { discovery } of nodes) expect(discovery.recordStats?.invalid).toBe(0)
  expectNoErrors(mesh)
})
