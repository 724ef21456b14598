import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BUCKET_SIZE,
  type Contact,
  RoutingTable,
  type RoutingTableOptions,
  SIBLINGS,
} from '../src/index.ts'
import {
  contactOf,
  names,
  nearId,
  randomId,
  seed,
  seededRandom,
  sortedByDistance,
} from './support/ids.ts'
import { NaiveTable, prefixOf } from './support/naive-table.ts'

/** Our id and others, most of them in a few buckets and some very near. */
function population(from: number, count: number): { self: Uint8Array; contacts: Contact[] } {
  const random = seededRandom(from)
  const self = randomId(random)
  const bits = (): number =>
    Math.floor(-Math.log2(1 - random()) * 1.5 + (random() < 0.05 ? 220 : 0))
  const contacts = Array.from({ length: count }, () =>
    contactOf(nearId(random, self, Math.min(bits(), 238))),
  )
  return { self, contacts }
}

const operation = fc.record({
  do: fc.constantFrom('seen', 'seen', 'seen', 'seen', 'failed', 'failed', 'remove'),
  which: fc.nat(79),
})

describe('routing table', { timeout: 60_000 }, () => {
  test.each<RoutingTableOptions>([
    { bucketSize: 3, siblings: 5 },
    { bucketSize: 2, siblings: 0 },
    { bucketSize: 1, siblings: 12 },
    {},
  ])('does what the naive one does: %o', (options) => {
    fc.assert(
      fc.property(
        seed,
        fc.array(operation, { maxLength: 250, size: 'max' }),
        (from, operations) => {
          const { self, contacts } = population(from, 80)
          const table = new RoutingTable(self, options)
          const naive = new NaiveTable(self, options)
          for (const { do: what, which } of operations) {
            const contact = contacts[which] as Contact
            if (what === 'seen') {
              table.seen(contact)
              naive.seen(contact)
            } else {
              table[what](contact.key)
              naive[what](contact.key)
            }
          }
          expect(table.size).toBe(naive.contacts().length)
          for (let prefix = 0; prefix < 256; prefix++) {
            expect(names(table.bucket(prefix))).toEqual(names(naive.bucket(prefix)))
            expect(names(table.cached(prefix))).toEqual(names(naive.cached(prefix)))
          }
        },
      ),
      { numRuns: options.bucketSize === undefined ? 5 : 30 },
    )
  })

  test('closest is exact and sorted, for any target and count', () => {
    fc.assert(
      fc.property(seed, fc.nat(600), fc.nat(60), (from, size, count) => {
        const { self, contacts } = population(from, size)
        const table = new RoutingTable(self)
        for (const contact of contacts) table.seen(contact)
        const random = seededRandom(from + 1)
        const targets = [
          self,
          randomId(random),
          nearId(random, self, 9),
          nearId(random, self, 240),
          ...contacts.slice(0, 3).map(({ key }) => key),
        ]
        for (const target of targets) {
          const expected = sortedByDistance(table.contacts(), target).slice(0, count)
          expect(names(table.closest(target, count))).toEqual(names(expected))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('ids that differ in their last bits alone are told apart', () => {
    const self = new Uint8Array(32)
    const table = new RoutingTable(self)
    const keys = Array.from({ length: 31 }, (_, i) => {
      const key = new Uint8Array(32).fill(0x80, 0, 1)
      key[31] = i
      return key
    })
    for (const key of keys) table.seen(contactOf(key))
    const target = keys[21] as Uint8Array
    const expected = sortedByDistance(table.contacts(), target)
    expect(expected).toHaveLength(31)
    expect(names(table.closest(target, 31))).toEqual(names(expected))
  })

  test('every bucket up to the last bit', () => {
    const self = randomId(seededRandom(6))
    const table = new RoutingTable(self)
    const contacts = Array.from({ length: 256 }, (_, prefix) => {
      const key = self.slice()
      key[prefix >>> 3] = (key[prefix >>> 3] as number) ^ (0x80 >>> (prefix & 7))
      return contactOf(key)
    })
    for (const contact of contacts) table.seen(contact)
    expect(table.size).toBe(256)
    for (const { key } of contacts) {
      expect(names(table.closest(key, 256))).toEqual(names(sortedByDistance(contacts, key)))
    }
    expect(names(table.siblings())).toEqual(names(contacts.slice(-SIBLINGS).toReversed()))
  })

  test('the siblings are exactly the 32 nearest that were ever seen', () => {
    fc.assert(
      fc.property(seed, (from) => {
        const { self, contacts } = population(from, 400)
        const table = new RoutingTable(self)
        for (const contact of contacts) table.seen(contact)
        const nearest = sortedByDistance(contacts, self).slice(0, SIBLINGS)
        expect(names(table.siblings())).toEqual(names(nearest))
      }),
      { numRuns: 30 },
    )
  })

  test('a live contact never yields: the first 16 of a bucket stay, whoever comes', () => {
    fc.assert(
      fc.property(seed, (from) => {
        const { self, contacts } = population(from, 500)
        const table = new RoutingTable(self)
        for (const contact of contacts) table.seen(contact)
        const prefixes = contacts.map(({ key }) => prefixOf(self, key))
        for (const prefix of new Set(prefixes)) {
          const came = contacts.filter((_, i) => prefixes[i] === prefix)
          const kept = new Set(names(table.bucket(prefix)))
          for (const name of names(came.slice(0, BUCKET_SIZE))) expect(kept.has(name)).toBe(true)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('sizes are bounded: a bucket by 16, siblings on top, a cache by 16', () => {
    const { self, contacts } = population(1, 4_000)
    const table = new RoutingTable(self)
    for (const contact of contacts) table.seen(contact)
    const siblings = new Set(names(table.siblings()))
    for (let prefix = 0; prefix < 256; prefix++) {
      const others = names(table.bucket(prefix)).filter((name) => !siblings.has(name))
      expect(others.length).toBeLessThanOrEqual(BUCKET_SIZE)
      expect(table.cached(prefix).length).toBeLessThanOrEqual(BUCKET_SIZE)
    }
    expect(table.size).toBe(table.contacts().length)
    expect(table.cached(0)).toHaveLength(BUCKET_SIZE)
  })

  test('two failures in a row evict, one does not, and proof of life forgives', () => {
    const { self, contacts } = population(2, 3)
    const { key } = contacts[0] as Contact
    const table = new RoutingTable(self)
    table.seen(contacts[0] as Contact)
    expect(table.failed(key)).toBe(false)
    expect(table.failures(key)).toBe(1)
    table.seen(contacts[0] as Contact)
    expect(table.failures(key)).toBe(0)
    expect(table.failed(key)).toBe(false)
    expect(table.failed(key)).toBe(true)
    expect(table.has(key)).toBe(false)
    expect(table.failed(key)).toBe(false)
  })

  test('the newest of the cache takes the place of who is evicted', () => {
    const random = seededRandom(3)
    const self = new Uint8Array(32)
    const far = (): Contact => {
      const key = randomId(random)
      key[0] = 0x80 | (key[0] as number)
      return contactOf(key)
    }
    const table = new RoutingTable(self, { siblings: 0 })
    const contacts = Array.from({ length: BUCKET_SIZE + 20 }, far)
    for (const contact of contacts) table.seen(contact)
    const waiting = contacts.slice(-BUCKET_SIZE).toReversed()
    expect(names(table.cached(0))).toEqual(names(waiting))
    const { key } = contacts[4] as Contact
    table.failed(key)
    table.failed(key)
    expect(table.has((waiting[0] as Contact).key)).toBe(true)
    expect(names(table.cached(0))).toEqual(names(waiting.slice(1)))
    expect(table.has(key)).toBe(false)
  })

  test('its own id is never an entry', () => {
    const self = new Uint8Array(32).fill(5)
    const table = new RoutingTable(self)
    expect(table.seen(contactOf(self.slice()))).toBe('ignored')
    expect(table.failed(self)).toBe(false)
    expect(table.remove(self)).toBe(false)
    expect(table.has(self)).toBe(false)
    expect(table.closest(self, 20)).toEqual([])
  })

  test('who has a new address is known by it', () => {
    const { self, contacts } = population(4, 1)
    const { key } = contacts[0] as Contact
    const table = new RoutingTable(self)
    expect(table.seen(contactOf(key, 1_000))).toBe('added')
    expect(table.seen(contactOf(key, 2_000))).toBe('refreshed')
    expect(table.get(key)?.address.port).toBe(2_000)
    expect(table.size).toBe(1)
  })

  test('who is not admitted comes neither in nor into a cache', () => {
    const { self, contacts } = population(5, 300)
    const refused = new Set(names(contacts.slice(0, 150)))
    const table = new RoutingTable(self, {
      admit: (contact) => !refused.has(names([contact])[0] as string),
    })
    for (const contact of contacts) table.seen(contact)
    const cached = Array.from({ length: 256 }, (_, prefix) => table.cached(prefix)).flat()
    expect(table.size).toBeGreaterThan(0)
    for (const name of names([...table.contacts(), ...cached]))
      expect(refused.has(name)).toBe(false)
  })

  test('sizes that make no sense are refused', () => {
    const self = new Uint8Array(32)
    expect(() => new RoutingTable(self, { bucketSize: 0 })).toThrow(RangeError)
    expect(() => new RoutingTable(self, { bucketSize: 1_000 })).toThrow(RangeError)
    expect(() => new RoutingTable(self, { bucketSize: 900, siblings: 0 })).not.toThrow()
  })
})
