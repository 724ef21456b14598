import { describe, expect, test } from 'vitest'
import { type Contact, commonPrefix } from '../src/index.ts'
import { Refresh, type RefreshContext } from '../src/refresh.ts'
import { RoutingTable } from '../src/routing-table.ts'
import { TestClock } from './support/clock.ts'
import { contactOf, nearId, randomId, seededRandom } from './support/ids.ts'

interface Fixture {
  readonly clock: TestClock
  readonly table: RoutingTable
  readonly refresh: Refresh
  /** When a lookup began and how many bits its target shares with us. */
  readonly lookups: {
    readonly at: number
    readonly prefix: number
    readonly start: readonly Contact[] | undefined
  }[]
  readonly connected: Set<number>
  fill(): void
}

function fixture(from: number, options: Partial<RefreshContext> = {}): Fixture {
  const random = seededRandom(from)
  const clock = new TestClock()
  const table = new RoutingTable(randomId(random))
  const lookups: Fixture['lookups'] = []
  const connected = new Set<number>()
  const refresh = new Refresh({
    table,
    clock,
    random,
    intervalMs: 300_000,
    isConnected: (key) => connected.has(commonPrefix(table.self, key)),
    lookup: async (target, { signal, start }) => {
      refresh.looked(target)
      lookups.push({ at: clock.now(), prefix: commonPrefix(table.self, target), start })
      await Promise.resolve()
      signal.throwIfAborted()
      return []
    },
    ...options,
  })
  const fill = (): void => {
    for (let prefix = 0; prefix < 5; prefix++) {
      for (let i = 0; i < 16; i++) {
        // Exactly so many bits: the next one is the other.
        const key = nearId(random, table.self, prefix)
        const mask = 0x80 >>> prefix
        key[0] = ((key[0] as number) & ~mask) | (~(table.self[0] as number) & mask)
        table.seen(contactOf(key, 9_000 + i))
      }
    }
  }
  return { clock, table, refresh, lookups, connected, fill }
}

const within = (value: number, wanted: number): void => {
  expect(value).toBeGreaterThanOrEqual(wanted * 0.9)
  expect(value).toBeLessThanOrEqual(wanted * 1.1)
}
const selfLookups = ({ lookups }: Fixture): number[] =>
  lookups.filter(({ prefix }) => prefix === 256).map(({ at }) => at)

describe('refresh', () => {
  test.each([1, 2, 3, 4])(
    'searches itself at once, after 1 s, then every 5 min (seed %i)',
    async (from) => {
      const one = fixture(from)
      one.fill()
      one.refresh.start()
      await one.clock.advance(1_000_000)
      const [first, second, third, fourth] = selfLookups(one) as [number, number, number, number]
      expect(first).toBe(0)
      within(second, 1_000)
      within(third - second, 300_000)
      within(fourth - third, 300_000)
      expect(third - second).not.toBe(fourth - third)
    },
  )

  test('waits until somebody is known', async () => {
    const one = fixture(1)
    one.refresh.start()
    await one.clock.advance(60_000)
    expect(one.lookups).toEqual([])
    one.fill()
    await one.clock.advance(2_300)
    expect(selfLookups(one)).toHaveLength(2)
  })

  test('searches buckets that nobody searched in for 15 min, no others', async () => {
    const one = fixture(2)
    one.fill()
    one.refresh.start()
    await one.clock.advance(800_000)
    expect(one.lookups.every(({ prefix }) => prefix === 256)).toBe(true)
    const target = new Uint8Array(one.table.self)
    target[0] = (target[0] as number) ^ 0x40
    one.refresh.looked(target)
    one.connected.add(2)
    await one.clock.advance(500_000)
    const searched = one.lookups.filter(({ prefix }) => prefix !== 256)
    // The self-lookup covers the last; one was searched, one is proven alive by a connection.
    expect(searched.map(({ prefix }) => prefix)).toEqual([0, 3])
    for (const { at } of searched) expect(at).toBeGreaterThanOrEqual(900_000)
  })

  test('searches once in a bucket that has room, early', async () => {
    const one = fixture(4)
    one.fill()
    const [first] = one.table.bucket(1)
    if (first) one.table.remove(first.key)
    one.connected.add(1)
    one.refresh.start()
    await one.clock.advance(1_200_000)
    const searched = one.lookups.filter(({ prefix }) => prefix === 1)
    expect(searched).toHaveLength(1)
    within(searched[0]?.at ?? 0, 1_000)
  })

  test('searches itself from a seed that was reached', async () => {
    const one = fixture(5)
    const seed = contactOf(new Uint8Array(32))
    one.refresh.through(seed)
    one.refresh.through(seed)
    await one.clock.advance(2_000)
    expect(one.lookups).toMatchObject([{ prefix: 256, start: [seed, seed] }])
    one.refresh.through(seed)
    one.refresh.stop()
    expect(one.clock.pending).toBe(0)
  })

  test('an interval of 0 searches for nobody; a stop ends it, in the middle too', async () => {
    const never = fixture(3, { intervalMs: 0 })
    never.fill()
    never.refresh.start()
    await never.clock.advance(1_000_000)
    expect(never.lookups).toEqual([])
    const one = fixture(3)
    one.fill()
    one.refresh.start()
    one.refresh.stop()
    await one.clock.advance(1_000_000)
    expect(one.lookups).toHaveLength(1)
    expect(one.clock.pending).toBe(0)
  })
})
