import { describe, expect, test } from 'vitest'
import { toHex } from '../src/index.ts'
import { expectFullMesh, keys, meshOf, others, SEEDS } from './support/full-mesh.ts'
import { contactOf, names, randomId, sortedByDistance } from './support/ids.ts'
import { TestMesh, type TestNode } from './support/mesh.ts'

const signal = (): AbortSignal => new AbortController().signal
const many = (letter: string): string[] =>
  Array.from({ length: 2_000 }, (_, i) => `${letter.repeat(250)}${i}`)

describe('services', () => {
  test('come and go while connected', async () => {
    const mesh = meshOf(8, 3)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const [first, second] = mesh.nodes as [TestNode, TestNode]
    first.services = ['later']
    first.discovery.setServices(['later'])
    await mesh.clock.advance(100)
    expect(second.discovery.providers('later')).toHaveLength(1)
    expect(second.discovery.providers('service 0')).toEqual([])
    expect(second.events.at(-1)).toMatchObject({ added: ['later'], removed: ['service 0'] })
  })

  test('that change while a connection is being made are known all the same', async () => {
    for (const from of SEEDS) {
      const mesh = meshOf(from, 2)
      const [first, second] = mesh.nodes as [TestNode, TestNode]
      first.start()
      second.start()
      // The hello is under way with what was offered when it was written.
      for (let i = 0; i < 6; i++) {
        await mesh.clock.advance(7)
        first.services = [`changed ${i}`]
        first.discovery.setServices(first.services)
      }
      await mesh.clock.advance(1_000)
      const [peer] = [...second.ends]
      expect(peer && second.discovery.servicesOf(peer)).toEqual(['changed 5'])
    }
  })

  test('thousands fit, whatever their names', async () => {
    const mesh = meshOf(9, 2)
    const [first, second] = mesh.nodes as [TestNode, TestNode]
    first.start()
    second.start()
    await mesh.clock.advance(5_000)
    first.discovery.setServices(many('x'))
    await mesh.clock.advance(1_000)
    first.discovery.setServices([...many('y'), 'constructor', '__proto__', 'toString', ''])
    await mesh.clock.advance(1_000)
    const [peer] = [...second.ends]
    expect(peer && second.discovery.servicesOf(peer)).toHaveLength(2_004)
    for (const name of ['constructor', '__proto__', 'toString', '']) {
      expect(second.discovery.providers(name)).toEqual([peer])
      expect(first.discovery.providers(name)).toEqual([])
    }
    expect(second.discovery.providers('hasOwnProperty')).toEqual([])
    expect(second.errors).toEqual([])
  })
})

describe('leaving', () => {
  test('who leaves is forgotten by all at once, and dialed no more', async () => {
    const mesh = meshOf(10, 5)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const gone = mesh.nodes[4] as TestNode
    gone.stop()
    await mesh.clock.advance(100)
    const left = mesh.nodes.slice(0, 4)
    for (const node of left) {
      expect(node.discovery.providers('service 4')).toEqual([])
      expect(node.discovery.table.has(gone.key)).toBe(false)
      node.dialed.length = 0
    }
    await mesh.clock.advance(120_000)
    expect(left.flatMap(({ dialed }) => dialed)).not.toContain('10.0.0.5:9000')
    expectFullMesh(left)
  })

  test('a seed that left is dialed again, and for ever', async () => {
    const mesh = meshOf(11, 2)
    const [seed, second] = mesh.nodes as [TestNode, TestNode]
    seed.start()
    second.start()
    await mesh.clock.advance(5_000)
    seed.stop()
    await mesh.clock.advance(600_000)
    second.dialed.length = 0
    await mesh.clock.advance(60_000)
    expect(second.dialed).toContain('10.0.0.1:9000')
  })

  test('whom it names instead is dialed: those it leaves behind stay together', async () => {
    const mesh = new TestMesh(12)
    const hub = mesh.node({ limits: { maxFullMesh: 0, refreshMs: 0 } })
    const limits = { maxFullMesh: 1, refreshMs: 0 }
    for (let i = 0; i < 3; i++) mesh.node({ seeds: ['10.0.0.1:9000'], limits, services: [`${i}`] })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const rest = others(mesh.nodes, hub)
    expect(rest.flatMap((node) => node.peers())).toEqual(rest.map(() => toHex(hub.key)))
    hub.stop()
    await mesh.clock.advance(10_000)
    for (const node of rest) expect(node.peers().length).toBeGreaterThan(0)
  })

  test('who crashed is told to nobody after two failed dials, and given up in the end', async () => {
    const mesh = meshOf(13, 5)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const gone = mesh.nodes[4] as TestNode
    gone.crash()
    await mesh.clock.advance(3_000)
    for (const node of mesh.nodes.slice(0, 4)) {
      expect(node.discovery.table.has(gone.key)).toBe(false)
    }
    await mesh.clock.advance(400_000)
    for (const node of mesh.nodes.slice(0, 4)) node.dialed.length = 0
    await mesh.clock.advance(100_000)
    expect(mesh.nodes.slice(0, 4).flatMap(({ dialed }) => dialed)).toEqual([])
  })

  test('in an outage of our own nobody is evicted, and all are found again', async () => {
    const mesh = meshOf(14, 6)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const first = mesh.nodes[1] as TestNode
    const away = others(mesh.nodes, first)
    for (const node of away) node.up = false
    first.up = false
    for (const end of first.ends) end.close()
    await mesh.clock.advance(20_000)
    expect(first.ends.size).toBe(0)
    expect(first.tells().length).toBeGreaterThanOrEqual(3)
    for (const node of mesh.nodes) node.up = true
    await mesh.clock.advance(40_000)
    expectFullMesh(mesh.nodes)
  })

  test('after stop nothing is dialed and no timer is left', async () => {
    const mesh = meshOf(15, 3)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    for (const node of mesh.nodes) node.stop()
    await mesh.clock.advance(15_000)
    expect(mesh.clock.pending).toBe(0)
    for (const node of mesh.nodes) expect(node.ends.size).toBe(0)
  })
})

describe('lookup over the mesh', () => {
  test.each(SEEDS)(
    'finds the nodes nearest to a target, also unconnected ones (seed %i)',
    async (from) => {
      const mesh = meshOf(from, 30, { maxFullMesh: 3 })
      for (const node of mesh.nodes) node.start()
      await mesh.clock.advance(60_000)
      const node = mesh.nodes[20] as TestNode
      const target = randomId(mesh.random)
      const running = node.discovery.lookup(target, { signal: signal() })
      await mesh.clock.advance(20_000)
      const result = names(await running)
      const all = others(mesh.nodes, node).map(({ key }) => contactOf(key))
      expect(result).toEqual(names(sortedByDistance(all, target).slice(0, 16)))
    },
  )

  test('goes round those that are dead', async () => {
    const mesh = meshOf(17, 12)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(20_000)
    const node = mesh.nodes[0] as TestNode
    const dead = mesh.nodes.slice(6)
    for (const one of dead) one.crash()
    const running = node.discovery.lookup(node.key, { signal: signal() })
    await mesh.clock.advance(20_000)
    const result = names(await running)
    expect(result.toSorted()).toEqual(keys(mesh.nodes.slice(1, 6)))
  })

  test('ends with the reason of its signal, before or in the middle', async () => {
    const mesh = meshOf(18, 3)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(5_000)
    const { discovery, key } = mesh.nodes[0] as TestNode
    const abort = new AbortController()
    const running = discovery.lookup(key, { signal: abort.signal })
    const before = mesh.clock.pending
    abort.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(mesh.clock.pending).toBeLessThan(before)
    await expect(discovery.lookup(key, { signal: abort.signal })).rejects.toThrow('enough')
  })

  test('of a node that knows nobody finds nobody', async () => {
    const { discovery, key } = new TestMesh(1).node()
    expect(await discovery.lookup(key, { signal: signal() })).toEqual([])
  })
})
