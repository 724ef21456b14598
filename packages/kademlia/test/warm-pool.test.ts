import { describe, expect, test } from 'vitest'
import type { DiscoveryLimits } from '../src/index.ts'
import { names, randomId, sortedByDistance } from './support/ids.ts'
import { hash, signerOf, verify } from './support/records.ts'
import { type Fixture, fixture, ScriptedPeer, verified } from './support/scripted-peer.ts'

/** The pool is of nodes with records. */
const records = { signer: signerOf(new Uint8Array(32)), verify, hash, wallNow: () => 0 }

interface Pool {
  readonly one: Fixture
  readonly peers: readonly ScriptedPeer[]
  /** Those the node keeps for its table's sake. */
  readonly warm: ReadonlySet<string>
}

const nameOf = ({ key }: ScriptedPeer): string => Buffer.from(key as Uint8Array).toString('hex')

/** A node that dialed so many others. */
function pool(count: number, limits: Partial<DiscoveryLimits> = {}): Pool {
  // These peers answer nothing: nobody is to search among them.
  const quiet = { refreshMs: 0, probeMs: 0 }
  const one = fixture({ ...quiet, maxFullMesh: 16, ...limits }, undefined, { records })
  const peers = Array.from({ length: count }, (_, i) => verified(one, 9_000 + i))
  const { table } = one.discovery
  const siblings = sortedByDistance(table.contacts(), one.self).slice(0, 32)
  const warm = new Set(names(siblings))
  // Of a bucket the last seen stay: all are connected.
  for (let prefix = 0; prefix < 256; prefix++) {
    for (const name of names(table.bucket(prefix).slice(-2))) warm.add(name)
  }
  return { one, peers, warm }
}

const closed = ({ peers }: Pool): string[] => peers.filter(({ retired }) => retired > 0).map(nameOf)

const spare = ({ peers, warm }: Pool): string[] =>
  peers.map(nameOf).filter((name) => !warm.has(name))

describe('connections of a node in a large mesh', () => {
  test('are closed after two minutes in which nothing happened, but for siblings and two of each bucket', async () => {
    const all = pool(80)
    expect(spare(all).length).toBeGreaterThan(20)
    await all.one.clock.advance(120_000)
    expect(closed(all)).toEqual([])
    await all.one.clock.advance(32_000)
    expect(closed(all)).toEqual(spare(all))
    expect(all.peers.every(({ retired }) => retired < 2)).toBe(true)
  })

  test('stay open while there are calls on them, and two minutes more', async () => {
    const all = pool(80)
    const [busy, called] = all.peers.filter((peer) => !all.warm.has(nameOf(peer))) as [
      ScriptedPeer,
      ScriptedPeer,
    ]
    busy.isBusy = true
    for (let i = 0; i < 4; i++) {
      called.calls++
      await all.one.clock.advance(60_000)
    }
    const used = new Set([busy, called].map(nameOf))
    expect(closed(all)).toEqual(spare(all).filter((name) => !used.has(name)))
    busy.isBusy = false
    await all.one.clock.advance(160_000)
    expect(closed(all)).toEqual(spare(all))
  })

  test('that the others dialed are theirs to close', async () => {
    const all = pool(80)
    const key = randomId(all.one.random)
    const peer = new ScriptedPeer({ key })
    all.one.discovery.connected(peer)
    await all.one.clock.advance(300_000)
    expect(peer.retired).toBe(0)
  })

  test('are no more than allowed: the longest unused goes first', async () => {
    const all = pool(80, { maxWarm: 70 })
    const spared = all.peers.filter((peer) => !all.warm.has(nameOf(peer)))
    for (const peer of spared.slice(5)) peer.calls++
    await all.one.clock.advance(20_000)
    for (const peer of spared.slice(10)) peer.calls++
    await all.one.clock.advance(16_000)
    expect(closed(all)).toHaveLength(10)
  })

  test('are dialed again where a sibling is lost, and not where it said goodbye', async () => {
    const all = pool(80)
    const lost = all.peers.find((peer) => all.warm.has(nameOf(peer))) as ScriptedPeer
    all.one.discovery.disconnected(lost)
    await all.one.clock.advance(17_000)
    expect(all.one.dialed).toEqual([lost.dialed])
  })
})

test('a mesh that is small enough stays a full one', async () => {
  const all = pool(80, { maxFullMesh: 100 })
  await all.one.clock.advance(600_000)
  expect(closed(all)).toEqual([])
})
