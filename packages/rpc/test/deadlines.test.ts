import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from '../src/deadlines.ts'
import { VirtualClock } from './support/virtual-clock.ts'

class Item {
  deadline: number
  readonly #fired: Item[]

  constructor(deadline: number, fired: Item[]) {
    this.deadline = deadline
    this.#fired = fired
  }

  expire(): void {
    this.#fired.push(this)
  }
}

test('deadlines expire in order of time, each once, and none that ended', () => {
  const plan = fc.array(fc.record({ at: fc.nat(1_000), ends: fc.boolean() }), { maxLength: 400 })
  fc.assert(
    fc.property(plan, (items) => {
      const clock = new VirtualClock()
      const deadlines = new Deadlines(clock)
      const fired: Item[] = []
      const all = items.map(({ at }) => new Item(at, fired))
      for (const item of all) deadlines.add(item)
      expect(clock.pending).toBeLessThanOrEqual(1)
      for (const [i, { ends }] of items.entries()) {
        if (!ends) continue
        ;(all[i] as Item).deadline = Number.POSITIVE_INFINITY
        deadlines.ended()
      }
      const left = all.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY)
      for (let now = 0; now < 1_001; now += 50) {
        clock.advance(50)
        expect(fired.every(({ deadline }) => deadline <= clock.now())).toBe(true)
      }
      const times = fired.map(({ deadline }) => deadline)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(new Set(fired)).toEqual(new Set(left))
      expect([fired.length, clock.pending]).toEqual([left.length, 0])
    }),
    { numRuns: 100 },
  )
})
