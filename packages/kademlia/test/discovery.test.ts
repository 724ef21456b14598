import { describe, expect, test } from 'vitest'
import { toHex } from '../src/index.ts'
import { contactOf, names, randomId, sortedByDistance } from './support/ids.ts'
import { TestMesh, type TestNode } from './support/mesh.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
const others = (nodes: readonly TestNode[], node: TestNode): TestNode[] =>
  nodes.filter((one) => one !== node)
const keys = (nodes: readonly TestNode[]): string[] => nodes.map(({ key }) => toHex(key)).toSorted()

/** One seed and others that join through it. */
function meshOf(from: number, size: number, limits = {}): TestMesh {
  const mesh = new TestMesh(from)
  for (let i = 0; i < size; i++) {
    mesh.node({ seeds: i === 0 ? [] : ['10.0.0.1:9000'], services: [`service ${i}`], limits })
  }
  return mesh
}

function expectFullMesh(nodes: readonly TestNode[]): void {
  for (const node of nodes) {
    expect(node.peers()).toEqual(keys(others(nodes, node)))
    for (const [i, { services }] of nodes.entries()) {
      if (nodes[i] === node) continue
      const found = node.discovery.providers(services[0] ?? '')
      expect(found.map((peer) => toHex(peer.key as Uint8Array))).toEqual([
        toHex((nodes[i] as TestNode).key),
      ])
    }
    expect(node.errors).toEqual([])
  }
}

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
    void second.start().discovery.ready.then(() => {
      ready = true
    })
    third.start()
    await mesh.clock.advance(300_000)
    expect(ready).toBe(true)
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
    let connected = -1
    void last.discovery.ready.then(() => {
      connected = new Set(last.peers()).size
    })
    await mesh.clock.advance(10_000)
    expect(connected).toBe(5)
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
    const mesh = meshOf(5, 20, { maxFullMesh: 6 })
    // Without an address, so that nobody dials them to see whether they can be.
    const late = mesh.node({ host: '', seeds: ['10.0.0.1:9000'], limits: { maxFullMesh: 6 } })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(60_000)
    expect(late.peers().length).toBeLessThanOrEqual(6)
    expect(late.peers().length).toBeGreaterThan(1)
  })

  test('nobody is dialed beyond the limit on addresses', async () => {
    const mesh = meshOf(6, 12, { maxDialers: 3 })
    for (const node of mesh.nodes) node.start()
    await mesh.clock.advance(60_000)
    for (const node of mesh.nodes) expect(new Set(node.dialed).size).toBeLessThanOrEqual(3)
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
})

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
    const many = (letter: string): string[] =>
      Array.from({ length: 2_000 }, (_, i) => `${letter.repeat(250)}${i}`)
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
    const hub = mesh.node({ limits: { maxFullMesh: 0 } })
    const limits = { maxFullMesh: 1 }
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
  const signal = (): AbortSignal => new AbortController().signal

  test.each(SEEDS)(
    'finds the nodes nearest to a target, also unconnected ones (seed %i)',
    async (from) => {
      const mesh = meshOf(from, 30, { maxFullMesh: 3 })
      for (const node of mesh.nodes) node.start()
      await mesh.clock.advance(60_000)
      const node = mesh.nodes[20] as TestNode
      const target = randomId(mesh.random)
      let result: string[] | undefined
      void node.discovery.lookup(target, { signal: signal() }).then((found) => {
        result = names(found)
      })
      await mesh.clock.advance(20_000)
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
    let result: string[] | undefined
    void node.discovery.lookup(node.key, { signal: signal() }).then((found) => {
      result = names(found)
    })
    await mesh.clock.advance(20_000)
    expect(result?.toSorted()).toEqual(keys(mesh.nodes.slice(1, 6)))
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
