import { describe, expect, test } from 'vitest'
import { toHex } from '../src/index.ts'
import { expectFullMesh, meshOf, others, SEEDS } from './support/full-mesh.ts'
import { TestMesh, type TestNode } from './support/mesh.ts'

describe('joining', () => {
  test.each(SEEDS)(
    'twelve at once: one connection a pair, services known (seed %i)',
    async (from) => {
      const mesh = meshOf(from, 12)
      for (const node of mesh.nodes) node.start()
      await mesh.clock.advance(20_000)
      expectFullMesh(mesh.nodes)
      for (const node of mesh.nodes) {
        expect(node.tells()).toHaveLength(11)
      }
    },
  )

  test('through a seed that is down at first; ready does not wait for it', async () => {
    const mesh = meshOf(1, 3)
    const [first, second, third] = mesh.nodes as [TestNode, TestNode, TestNode]
    let ready = false
    const waiting = second.start().discovery.ready.then(() => (ready = true))
    third.start()
    await mesh.clock.advance(300_000)
    expect(ready).toBe(true)
    await waiting
    expect(second.peers()).toEqual([])
    expect(second.events.every(({ type }) => type === 'dial-failed')).toBe(true)
    first.start()
    await mesh.clock.advance(40_000)
    expectFullMesh(mesh.nodes)
  })

  test('when it is ready, whom the seed named is connected too', async () => {
    const mesh = meshOf(2, 6)
    for (const node of mesh.nodes.slice(0, 5)) node.start()
    await mesh.clock.advance(10_000)
    const last = (mesh.nodes[5] as TestNode).start()
    const connected = last.discovery.ready.then(() => new Set(last.peers()).size)
    await mesh.clock.advance(10_000)
    expect(await connected).toBe(5)
  })

  test('without seeds it is ready at once, and its own address is given up', async () => {
    const mesh = new TestMesh(1)
    await mesh.node().start().discovery.ready
    const self = mesh.node({ seeds: ['10.0.0.2:9000'] }).start()
    await mesh.clock.advance(60_000)
    expect(self.dialed).toHaveLength(1)
    expect(self.events.map(({ type }) => type)).toEqual(['dial-abandoned'])
  })

  test('who cannot be dialed is connected and used, and told to nobody', async () => {
    const mesh = meshOf(3, 3)
    const hidden = mesh.node({ host: '', seeds: ['10.0.0.1:9000'], services: ['hidden'] })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(20_000)
    expectFullMesh(mesh.nodes)
    for (const node of others(mesh.nodes, hidden)) {
      expect(node.discovery.table.has(hidden.key)).toBe(false)
    }
  })

  test('an address that was only claimed is told to nobody', async () => {
    const mesh = meshOf(4, 2)
    // It says that it is to be found where nobody is, and another that it is where the first node is.
    const liar = mesh.node({ host: '10.0.9.9', seeds: ['10.0.0.1:9000'] })
    const thief = mesh.node({ host: '10.0.0.1', seeds: ['10.0.0.2:9000'] })
    mesh.nodes[0]?.start()
    mesh.nodes[1]?.start()
    await mesh.clock.advance(5_000)
    liar.discovery.start()
    thief.discovery.start()
    await mesh.clock.advance(30_000)
    const [first, second] = mesh.nodes as [TestNode, TestNode]
    expect(first.peers()).toContain(toHex(liar.key))
    expect(second.peers()).toContain(toHex(thief.key))
    expect(first.tells()).toEqual(['10.0.0.2:9000'])
    expect(second.tells()).toEqual(['10.0.0.1:9000'])
    expect(second.discovery.table.has(thief.key)).toBe(false)
  })

  test('a full mesh ends at its limit', async () => {
    const mesh = meshOf(5, 20, { maxFullMesh: 6, refreshMs: 0 })
    // Without an address, so that nobody dials them to see whether they can be.
    const late = mesh.node({
      host: '',
      seeds: ['10.0.0.1:9000'],
      limits: { maxFullMesh: 6, refreshMs: 0 },
    })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(60_000)
    expect(late.peers().length).toBeLessThanOrEqual(6)
    expect(late.peers().length).toBeGreaterThan(1)
  })

  test('nobody is dialed beyond the limit on addresses', async () => {
    const mesh = meshOf(6, 12, { maxDialers: 3, maxProbes: 0, refreshMs: 0 })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(60_000)
    for (const node of mesh.nodes) {
      const outbound = [...node.ends].filter(({ dialed }) => dialed !== undefined)
      expect(outbound.length).toBeLessThanOrEqual(3)
    }
  })
})

describe('two connections to one node', () => {
  test.each(SEEDS)('both ends keep the same one, whoever dialed (seed %i)', async (from) => {
    const mesh = new TestMesh(from)
    const a = mesh.node({ seeds: ['10.0.0.2:9000'], services: ['a'] })
    const b = mesh.node({ seeds: ['10.0.0.1:9000'], services: ['b'] })
    a.start()
    b.start()
    await mesh.clock.advance(10_000)
    expect([a.ends.size, b.ends.size]).toEqual([1, 1])
    const [end] = [...a.ends]
    expect(end?.other).toBe([...b.ends][0])
    const smaller = toHex(a.key) < toHex(b.key) ? a : b
    expect([...smaller.ends][0]?.dialed).toBeDefined()
    for (const node of [a, b]) {
      // The one that goes may have gone before the other is there.
      const told = node.events.map(({ type }) => type)
      expect(told.at(-1)).toBe('peer-joined')
      expect(told.filter((type) => type === 'peer-joined').length).toBeLessThanOrEqual(2)
      expect(node.dialed).toHaveLength(1)
    }
  })

  test.each(SEEDS)(
    'so they do where one dialed both, in whatever order (seed %i)',
    async (from) => {
      const mesh = new TestMesh(from)
      // One node behind two addresses: the dialer cannot know before it has connected.
      const b = mesh.node({ services: ['b'] })
      const alias = mesh.node({ key: b.key })
      Object.assign(alias, { discovery: b.discovery, ends: b.ends, hello: () => b.hello() })
      alias.up = true
      b.start()
      const a = mesh.node({ host: '', seeds: ['10.0.0.1:9000', '10.0.0.2:9000'] }).start()
      await mesh.clock.advance(10_000)
      expect([a.ends.size, b.ends.size]).toEqual([1, 1])
      expect([...a.ends][0]?.other).toBe([...b.ends][0])
      expect(a.discovery.providers('b')).toEqual([...a.ends])
    },
  )

  test('a node that was restarted is found again, with its new key at the old address too', async () => {
    const mesh = meshOf(7, 3)
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    const old = mesh.nodes[2] as TestNode
    old.crash()
    old.discovery.stop()
    const renewed = mesh.node({ host: '10.0.0.3', seeds: ['10.0.0.1:9000'], services: ['new'] })
    await mesh.clock.advance(5_000)
    renewed.start()
    await mesh.clock.advance(20_000)
    for (const node of mesh.nodes.slice(0, 2)) {
      expect(node.discovery.providers('new')).toHaveLength(1)
      expect(node.discovery.table.has(renewed.key)).toBe(true)
    }
  })

  test('who comes when enough are kept connected is dialed once, and told to others', async () => {
    const mesh = new TestMesh(8)
    const hub = mesh.node({ limits: { maxFullMesh: 2, maxDialers: 2, refreshMs: 0 } })
    const limits = { maxFullMesh: 1, refreshMs: 0 }
    for (let i = 0; i < 8; i++) mesh.node({ seeds: ['10.0.0.1:9000'], limits })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(10_000)
    expect(hub.tells()).toEqual(others(mesh.nodes, hub).map(({ address }) => address))
    expect(hub.dialed.length).toBe(8)
  })

  test('who could not be dialed when it came is tried again', async () => {
    const mesh = new TestMesh(9)
    const hub = mesh.node({ limits: { maxDialers: 0, refreshMs: 0 } })
    const guest = mesh.node({ seeds: ['10.0.0.1:9000'], limits: { refreshMs: 0 } })
    hub.start()
    guest.discovery.start()
    await mesh.clock.advance(100_000)
    expect([hub.peers().length, hub.tells()]).toEqual([1, []])
    guest.up = true
    await mesh.clock.advance(400_000)
    expect(hub.tells()).toEqual([guest.address])
  })
})
