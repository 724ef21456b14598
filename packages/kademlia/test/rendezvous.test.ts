import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byHashedDistance, placeOfKey } from '../src/rendezvous.ts'
import { randomId, seededRandom } from './support/ids.ts'
import { hash } from './support/records.ts'

const random = seededRandom(4)
const IDS = Array.from({ length: 40 }, () => randomId(random))
const nearest = (key: string, ids: readonly Uint8Array[]): Uint8Array | undefined =>
  byHashedDistance(placeOfKey(key, hash), ids, (id) => id)[0]

test('who comes or goes moves its own keys and no others, whatever the order', () => {
  const keys = fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 50 })
  const count = fc.integer({ min: 2, max: IDS.length })
  fc.assert(
    fc.property(keys, count, fc.nat(), (names, size, at) => {
      const ids = IDS.slice(0, size)
      const gone = ids[at % size] as Uint8Array
      const left = ids.filter((id) => id !== gone).toReversed()
      for (const name of names) {
        const before = nearest(name, ids)
        const after = nearest(name, left)
        expect(after === before).toBe(before !== gone)
      }
    }),
  )
})

test('each provider has about its share of the keys', () => {
  const ids = IDS.slice(0, 10)
  const counts = new Map(ids.map((id) => [id, 0]))
  for (let i = 0; i < 10_000; i++) {
    const id = nearest(`key ${i}`, ids) as Uint8Array
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  // 1,000 each; the deviation of a fair choice is 30.
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})

test('text stands for its bytes in UTF-8; what has no id comes last', () => {
  expect(placeOfKey('ä', hash)).toEqual(placeOfKey(Uint8Array.of(0xc3, 0xa4), hash))
  const items = [undefined, ...IDS.slice(0, 3)]
  const sorted = byHashedDistance(placeOfKey('k', hash), items, (id) => id)
  expect(sorted.at(-1)).toBeUndefined()
  expect(sorted).toHaveLength(4)
})
