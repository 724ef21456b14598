import { compareDistance, RoutingTable } from '@flatend/kademlia'
import { describe, expect, test } from 'vitest'
import { Directory } from './directory.ts'
import { percentile, reached, share } from './figures.ts'
import { drawPlot } from './plot.ts'
import { fillTable } from './preset.ts'
import { randomId, seededRandom } from './random.ts'
import { tableOf, withBlock } from './report.ts'
import { Trace } from './trace.ts'
import { type SimNode, World } from './world.ts'

const odd = ({ index }: SimNode): boolean => index % 2 === 1

function discover(): never {
  throw new Error('nobody needs it here')
}

function hash(...kinds: readonly number[]): string {
  const trace = new Trace()
  for (const kind of kinds) trace.add(1, kind, [2, 3])
  return trace.digest()
}

function nodes(count: number): readonly SimNode[] {
  const world = new World({ seed: 3, discover })
  return Array.from({ length: count }, () => world.add())
}

describe('what the simulation is made of', () => {
  test('the directory finds the nearest as a sort of all does', () => {
    const all = nodes(700)
    const directory = new Directory(all)
    const random = seededRandom(4)
    for (let i = 0; i < 50; i++) {
      const target = i % 2 === 0 ? randomId(random) : (all[i] as SimNode).key
      const sorted = all.toSorted((a, b) => compareDistance(target, a.key, b.key))
      expect(directory.nearest(target, 40)).toEqual(sorted.slice(0, 40))
      expect(directory.nearest(target, 9, odd)).toEqual(sorted.filter(odd).slice(0, 9))
    }
  })

  test('a preset table has 16 of each bucket, or all, and the 32 nearest', () => {
    const all = nodes(2_000)
    const directory = new Directory(all)
    const node = all[5] as SimNode
    const table = new RoutingTable(node.key)
    fillTable(table, { node, directory, seed: 1 })
    for (const [prefix, [low, high]] of directory.buckets(node.key).entries()) {
      expect(table.bucket(prefix).length).toBeGreaterThanOrEqual(Math.min(16, high - low))
    }
    const nearest = directory.nearest(node.key, 33).slice(1)
    expect(table.siblings()).toEqual(nearest.map(({ contact }) => contact))
  })

  test('a round trip takes 20 to 180 ms, the same for a pair both ways', () => {
    const world = new World({ seed: 9, discover })
    const all = Array.from({ length: 60 }, () => world.add())
    const trips = all.flatMap((a) => all.map((b) => [world.latency(a, b), world.latency(b, a)]))
    for (const [there = 0, back = 0] of trips) {
      expect(there).toBe(back)
      expect(there + back).toBeGreaterThanOrEqual(20)
      expect(there + back).toBeLessThan(180)
    }
    const first = trips.map(([there = 0]) => there * 2)
    expect(percentile(first, 50)).toBeGreaterThan(90)
    expect(percentile(first, 50)).toBeLessThan(110)
  })

  test('a trace depends on what happens and on its order', () => {
    expect(hash(1, 2)).toBe(hash(1, 2))
    expect(new Set([hash(1, 2), hash(2, 1), hash(1), hash()]).size).toBe(4)
    const long = Array.from({ length: 3_000 }, (_, i) => i)
    expect(hash(...long)).not.toBe(hash(...long.with(0, 9)))
  })

  test('figures: percentiles, bounds either way, a table, a block in a page, a plot', () => {
    expect([50, 95, 100].map((percent) => percentile([5, 1, 4, 2, 3], percent))).toEqual([3, 5, 5])
    const low = { name: 'low', value: 3, target: 2 }
    const high = share('high', 0.5, 0.4)
    expect([reached(low), reached(high)]).toEqual([false, true])
    const plot = { label: 'messages', values: [1, 2, 2, 9] }
    const table = tableOf({ title: 't', figures: [low, high], hash: '', events: 0, plot })
    expect(table.split('\n').slice(2, 4)).toEqual([
      '| low  | 3        | ≤ 2    | **missed** |',
      '| high | 50 %     | ≥ 40 % | reached    |',
    ])
    const page = withBlock(withBlock('head', 'a', 'one'), 'b', 'two')
    expect(withBlock(page, 'a', 'other')).toBe(page.replace('one', 'other'))
    expect(drawPlot('t', plot).match(/<rect /g)).toHaveLength(9)
  })
})
