import { describe, expect, test } from 'vitest'
import { expectFullMesh, meshOf } from './support/full-mesh.ts'
import { TestMesh, type TestNode } from './support/mesh.ts'

const at = (x: number): string => `10.0.0.${x}:9000`

/** How many peers a node has when it is ready; -1 until then. */
function readyOf(node: TestNode): { readonly peers: number } {
  const state = { peers: -1 }
  const wait = async (): Promise<void> => {
    await node.discovery.ready
    state.peers = new Set(node.peers()).size
  }
  void wait()
  return state
}

/** Nodes that know each other by one name alone. */
function named(seed: number, answers: () => readonly string[]) {
  const mesh = new TestMesh(seed)
  const node = (): TestNode => {
    const made: TestNode = mesh.node({
      seeds: ['mesh:9000'],
      services: [`s${mesh.nodes.length}`],
      network: {
        // The name itself leads nowhere here: only its answers do.
        connect: ({ address, key }, { signal }) => made.connect(address, key, signal),
        resolve: () => Promise.resolve(answers()),
      },
    })
    return made
  }
  return { mesh, node }
}

describe('suggested addresses', () => {
  test('are tried ahead of the seeds, and lead into the mesh where the seeds are down', async () => {
    const mesh = meshOf(1, 5)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const late = mesh.node({ seeds: ['10.0.9.9:9000'], services: ['late'] })
    const third = mesh.nodes[2] as TestNode
    late.discovery.suggest([{ address: at(3), key: third.key }])
    const ready = readyOf(late.start())
    await mesh.clock.advance(10_000)
    expect(late.dialed.slice(0, 2)).toEqual([at(3), '10.0.9.9:9000'])
    expect(ready.peers).toBeGreaterThan(0)
    expectFullMesh(mesh.nodes)
  })

  test('are tried once each, few at a time, and no more than needed', async () => {
    const mesh = meshOf(2, 4)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const dead = Array.from({ length: 40 }, (_, i) => ({ address: `10.0.7.${i}:9000` }))
    const late = mesh.node({ services: ['late'] })
    late.discovery.suggest([...dead, { address: at(1) }, ...dead.slice(0, 5)])
    late.start()
    expect(late.dialed).toHaveLength(16)
    await mesh.clock.advance(60_000)
    expectFullMesh(mesh.nodes)
    const tries = late.dialed.filter((address) => address.startsWith('10.0.7.'))
    expect(tries).toHaveLength(40)
    // Enough are connected: nobody is tried any more.
    const before = late.dialed.length
    late.discovery.suggest([{ address: '10.0.8.1:9000' }], { enough: 2 })
    await mesh.clock.advance(1_000)
    expect(late.dialed).toHaveLength(before)
  })

  test('who is connected, and this node itself, is not tried', async () => {
    const mesh = meshOf(3, 2)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const [first, second] = mesh.nodes as [TestNode, TestNode]
    const before = first.dialed.length
    first.discovery.suggest([
      { address: at(2) },
      { address: '10.0.0.99:9000', key: second.key },
      { address: '10.0.0.98:9000', key: first.key },
    ])
    first.discovery.suggest([{ address: at(1) }])
    await mesh.clock.advance(1_000)
    first.discovery.suggest([{ address: at(1) }])
    await mesh.clock.advance(1_000)
    expect(first.dialed.slice(before)).toEqual([at(1)])
  })

  test('a node that waits with dead ones only is ready when all were tried', async () => {
    const mesh = new TestMesh(4)
    const node = mesh.node()
    node.discovery.suggest([{ address: '10.0.7.1:9000' }])
    const ready = readyOf(node.start())
    await mesh.clock.advance(1)
    expect(ready.peers).toBe(-1)
    await mesh.clock.advance(1_000)
    expect(ready.peers).toBe(0)
  })

  test('at most 256 wait', async () => {
    const mesh = new TestMesh(5)
    const node = mesh.node()
    const many = Array.from({ length: 1_000 }, (_, i) => ({
      address: `10.1.${i >> 8}.${i & 255}:9000`,
    }))
    node.discovery.suggest(many)
    node.start()
    await mesh.clock.advance(60_000)
    expect(node.dialed).toHaveLength(256)
  })
})

describe('a seed that is a host name of many addresses', () => {
  test.each([1, 2, 3])(
    'each answer is joined, ones that come later too (seed %i)',
    async (seed) => {
      const answers: string[] = [at(1), at(2), at(3)]
      const { mesh, node } = named(seed, () => answers)
      for (let i = 0; i < 3; i++) node().start()
      await mesh.clock.advance(10_000)
      expectFullMesh(mesh.nodes)
      // A fourth that knows nobody, and that nobody knows but by the name.
      mesh.node({ services: ['fourth'] }).start()
      answers.push(at(4))
      await mesh.clock.advance(90_000)
      expectFullMesh(mesh.nodes)
      // Nobody dials himself over and over.
      const [first] = mesh.nodes as [TestNode]
      expect(first.dialed.filter((address) => address === at(1))).toHaveLength(1)
    },
  )
})

test('a seed with a key is asked to prove it', async () => {
  const mesh = meshOf(6, 1)
  const [first] = mesh.nodes as [TestNode]
  first.start()
  const right = mesh.node({ seeds: [{ address: at(1), key: first.key }] }).start()
  const wrong = mesh.node({ seeds: [{ address: at(1), key: new Uint8Array(32).fill(9) }] })
  wrong.up = false
  wrong.discovery.start()
  await mesh.clock.advance(5_000)
  expect(right.peers()).toHaveLength(1)
  expect(wrong.dialed.length).toBeGreaterThan(2)
  const seen = wrong.events.find(({ type }) => type === 'dial-failed')
  expect(seen).toMatchObject({ seed: true, reason: 'another key' })
})
