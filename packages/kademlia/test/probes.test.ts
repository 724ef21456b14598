import { describe, expect, test } from 'vitest'
import type { Peer } from '../src/index.ts'
import { Probes, type ProbesContext } from '../src/probes.ts'
import { RoutingTable } from '../src/routing-table.ts'
import { TestClock } from './support/clock.ts'
import { contactOf, randomId, seededRandom } from './support/ids.ts'

const PEER = {} as Peer

interface Fixture {
  readonly clock: TestClock
  readonly table: RoutingTable
  readonly probes: Probes
  readonly ports: readonly number[]
  /** Ports that were dialed, and when. */
  readonly dialed: { readonly port: number; readonly at: number }[]
  readonly dead: Set<number>
  readonly connected: Set<number>
  /** Dials given up. */
  aborted: number
}

/** Forty contacts at ports of their own. */
function fixture(options: Partial<ProbesContext> = {}): Fixture {
  const random = seededRandom(1)
  const clock = new TestClock()
  const table = new RoutingTable(randomId(random))
  for (let port = 1; port <= 40; port++) table.seen(contactOf(randomId(random), port))
  const one: Fixture = {
    clock,
    table,
    probes: new Probes({
      table,
      clock,
      random,
      intervalMs: 600_000,
      timeoutMs: 10_000,
      network: {
        connect: ({ address }, { signal }) => {
          const port = Number(address.split(':')[1])
          one.dialed.push({ port, at: clock.now() })
          if (!one.dead.has(port)) return Promise.resolve(PEER)
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              one.aborted++
              reject(new Error('given up'))
            })
          })
        },
      },
      isConnected: (key) => one.connected.has(table.get(key)?.address.port ?? 0),
      failed: (key) => table.failed(key),
      ...options,
    }),
    ports: table.contacts().map(({ address }) => address.port),
    dialed: [],
    dead: new Set(),
    connected: new Set(),
    aborted: 0,
  }
  return one
}

describe('probes', () => {
  test('dial each contact once in an interval, evenly', async () => {
    const one = fixture()
    one.probes.start()
    await one.clock.advance(660_000)
    const first = one.dialed.slice(0, one.ports.length).map(({ port }) => port)
    expect(new Set(first)).toEqual(new Set(one.ports))
    for (let at = 0; at < 600_000; at += 60_000) {
      const now = one.dialed.filter((dial) => dial.at >= at && dial.at < at + 60_000)
      expect(now.length).toBeLessThanOrEqual(6)
    }
  })

  test('leave those alone whom a connection proves alive', async () => {
    const one = fixture()
    for (const port of one.ports.slice(1)) one.connected.add(port)
    one.probes.start()
    await one.clock.advance(600_000)
    expect(new Set(one.dialed.map(({ port }) => port))).toEqual(new Set(one.ports.slice(0, 1)))
  })

  test('evict who does not answer twice, the second time soon', async () => {
    const one = fixture()
    const [gone = 0] = one.ports
    one.dead.add(gone)
    one.probes.start()
    await one.clock.advance(720_000)
    const [first, second, ...more] = one.dialed.filter(({ port }) => port === gone)
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThanOrEqual(66_000)
    expect(more).toEqual([])
    expect(one.table.contacts().map(({ address }) => address.port)).not.toContain(gone)
    expect(one.table.size).toBe(one.ports.length - 1)
  })

  test('an interval of 0 dials nobody; a stop ends what is under way and counts nobody as dead', async () => {
    const never = fixture({ intervalMs: 0 })
    never.probes.start()
    await never.clock.advance(1_000_000)
    expect(never.dialed).toEqual([])
    const one = fixture()
    for (const port of one.ports) one.dead.add(port)
    one.probes.start()
    await one.clock.advance(34_000)
    one.probes.stop()
    await one.clock.advance(100_000)
    expect(one.dialed.length).toBeGreaterThan(0)
    expect(one.aborted).toBe(one.dialed.length)
    for (const { key } of one.table.contacts()) expect(one.table.failures(key)).toBe(0)
  })
})
