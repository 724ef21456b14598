import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Contact, Lookup } from '../src/index.ts'
import { contactOf, names, randomId, seed, seededRandom, sortedByDistance } from './support/ids.ts'

const K = 8

interface Network {
  readonly random: () => number
  readonly self: Uint8Array
  readonly target: Uint8Array
  readonly nodes: readonly Contact[]
  /** Whom each knows. */
  readonly views: ReadonlyMap<string, readonly Contact[]>
  readonly dead: ReadonlySet<string>
}

const nameOf = (contact: Contact): string => names([contact])[0] as string

function network(
  from: number,
  { size, known, deadShare }: Readonly<Record<string, number>>,
): Network {
  const random = seededRandom(from)
  const nodes = Array.from({ length: size ?? 0 }, () => contactOf(randomId(random)))
  const views = new Map<string, readonly Contact[]>()
  const dead = new Set<string>()
  for (const node of nodes) {
    views.set(
      nameOf(node),
      nodes.filter(() => random() < (known ?? 1)),
    )
    if (random() < (deadShare ?? 0)) dead.add(nameOf(node))
  }
  return { random, self: randomId(random), target: randomId(random), nodes, views, dead }
}

interface Trace {
  readonly lookup: Lookup
  readonly seen: Contact[]
  readonly asked: string[]
  readonly failed: Set<string>
  readonly answered: Set<string>
}

/** Runs a lookup to its end; answers come in any order, some slowly. */
function run({ random, self, target, nodes, views, dead }: Network, alpha = 3): Trace {
  const start = nodes.slice(0, 3)
  const lookup = new Lookup({ target, self, start, k: K, alpha })
  const trace = { lookup, seen: [...start], asked: [] as string[] }
  const failed = new Set<string>()
  const answered = new Set<string>()
  const running: Contact[] = []
  let slow = 0
  while (!lookup.done) {
    const next = lookup.next()
    running.push(...next)
    trace.asked.push(...names(next))
    expect(running.length).toBeLessThanOrEqual(alpha + slow)
    expect(running.length).toBeGreaterThan(0)
    const at = Math.floor(random() * running.length)
    const contact = running[at] as Contact
    if (random() < 0.2) {
      lookup.slow(contact.key)
      slow++
      continue
    }
    running.splice(at, 1)
    const name = nameOf(contact)
    if (dead.has(name)) {
      failed.add(name)
      lookup.failed(contact.key)
      continue
    }
    answered.add(name)
    const answer = sortedByDistance(views.get(name) ?? [], target).slice(0, 16)
    trace.seen.push(...answer)
    lookup.answered(contact.key, answer)
  }
  return { ...trace, failed, answered }
}

describe('lookup', () => {
  test('ends when the k nearest that did not fail have answered, and gives exactly these', () => {
    const shape = fc.record({
      size: fc.integer({ min: 3, max: 120 }),
      known: fc.constantFrom(0.03, 0.1, 0.5, 1),
      deadShare: fc.constantFrom(0, 0.1, 0.5, 1),
    })
    fc.assert(
      fc.property(seed, shape, fc.integer({ min: 1, max: 10 }), (from, options, alpha) => {
        const one = network(from, options)
        const { lookup, seen, asked, failed, answered } = run(one, alpha)
        const alive = seen.filter((contact) => !failed.has(nameOf(contact)))
        const distinct = [...new Map(alive.map((contact) => [nameOf(contact), contact])).values()]
        const nearest = names(sortedByDistance(distinct, one.target).slice(0, K))
        expect(names(lookup.result())).toEqual(nearest)
        for (const name of nearest) expect(answered.has(name)).toBe(true)
        expect(new Set(asked).size).toBe(asked.length)
        expect(lookup.next()).toEqual([])
      }),
      { numRuns: 80 },
    )
  })

  test('where everybody knows the neighbours of everybody, the result is that of a sort of all', () => {
    fc.assert(
      fc.property(seed, (from) => {
        const one = network(from, { size: 150, known: 1, deadShare: 0.3 })
        const alive = one.nodes.filter((node) => !one.dead.has(nameOf(node)))
        const { lookup, answered } = run(one)
        fc.pre(answered.size > 0)
        // Who answers names 16, a third of whom may be dead: half of these are surely found.
        const nearest = names(sortedByDistance(alive, one.target).slice(0, 4))
        expect(names(lookup.result()).slice(0, 4)).toEqual(nearest)
      }),
      { numRuns: 40 },
    )
  })

  test('without anybody to ask it is over at once', () => {
    const self = new Uint8Array(32)
    const lookup = new Lookup({ target: self, self, start: [contactOf(self)] })
    expect(lookup.done).toBe(true)
    expect(lookup.result()).toEqual([])
  })

  test('while one is slow another is asked, and its late answer counts', () => {
    const random = seededRandom(1)
    const target = randomId(random)
    const start = sortedByDistance(
      Array.from({ length: 3 }, () => contactOf(randomId(random))),
      target,
    )
    const lookup = new Lookup({ target, self: randomId(random), start, alpha: 1 })
    const [first] = lookup.next() as [Contact]
    expect(lookup.next()).toEqual([])
    lookup.slow(first.key)
    lookup.slow(first.key)
    const [second] = lookup.next() as [Contact]
    expect(lookup.next()).toEqual([])
    lookup.answered(second.key, [])
    const [third] = lookup.next() as [Contact]
    lookup.failed(third.key)
    expect(lookup.done).toBe(false)
    lookup.answered(first.key, [])
    expect(lookup.done).toBe(true)
    expect(names(lookup.result())).toEqual(names([first, second]))
  })

  test('an answer nobody asked for, or a second one, changes nothing', () => {
    const random = seededRandom(2)
    const [a, b, c] = Array.from({ length: 3 }, () => contactOf(randomId(random))) as [
      Contact,
      Contact,
      Contact,
    ]
    const lookup = new Lookup({ target: a.key, self: randomId(random), start: [a] })
    lookup.answered(b.key, [c])
    expect(lookup.candidates).toBe(1)
    lookup.next()
    lookup.answered(a.key, [])
    lookup.failed(a.key)
    lookup.answered(a.key, [c])
    expect(lookup.candidates).toBe(1)
    expect(names(lookup.result())).toEqual(names([a]))
    expect(lookup.done).toBe(true)
  })

  test('liars make it neither endless nor large: 32 of an answer, 16 candidates a place', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 6 }), (from, liars) => {
        const random = seededRandom(from)
        const target = randomId(random)
        const start = Array.from({ length: liars }, () => contactOf(randomId(random)))
        const lying = new Set(names(start))
        const lookup = new Lookup({ target, self: randomId(random), start, k: 4 })
        let asked = 0
        while (!lookup.done) {
          for (const contact of lookup.next()) {
            asked++
            // Nearer and nearer to the target, and nobody there.
            const named = Array.from({ length: 60 }, () => {
              const key = randomId(random)
              key.set(target.subarray(0, 1 + Math.floor(random() * 4)))
              return contactOf(key)
            })
            if (lying.has(nameOf(contact))) lookup.answered(contact.key, named)
            else lookup.failed(contact.key)
          }
          expect(lookup.candidates).toBeLessThanOrEqual(4 * 16 + 3)
        }
        expect(asked).toBeLessThanOrEqual(liars * 33)
        for (const name of names(lookup.result())) expect(lying.has(name)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})
