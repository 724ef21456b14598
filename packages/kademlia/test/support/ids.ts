import fc from 'fast-check'
import type { Contact } from '../../src/index.ts'

/** Mulberry32: numbers from 0 to below 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export function randomId(random: () => number): Uint8Array {
  return Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256))
}

/** An id that shares about `bits` first bits with another: else deep buckets would stay empty. */
export function nearId(random: () => number, to: Uint8Array, bits: number): Uint8Array {
  const id = randomId(random)
  for (let bit = 0; bit < bits; bit++) {
    const mask = 0x80 >>> (bit & 7)
    const at = bit >>> 3
    id[at] = ((id[at] as number) & ~mask) | ((to[at] as number) & mask)
  }
  return id
}

/** A random id that shares exactly so many first bits with another. */
export function cousinId(random: () => number, to: Uint8Array, bits: number): Uint8Array {
  const id = nearId(random, to, bits + 1)
  id[bits >>> 3] = (id[bits >>> 3] as number) ^ (0x80 >>> (bits & 7))
  return id
}

export function contactOf(key: Uint8Array, port = 9_000): Contact {
  return { key, address: { host: '10.0.0.1', port }, capabilities: 1 }
}

/** The XOR of two ids as a number: the metric as the paper has it (§2.1). */
export function distance(a: Uint8Array, b: Uint8Array): bigint {
  return number(a) ^ number(b)
}

function number(id: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(id).toString('hex')}`)
}

/** Nearest first, the obvious way. */
export function sortedByDistance(contacts: readonly Contact[], target: Uint8Array): Contact[] {
  return contacts
    .map((contact) => ({ contact, distance: distance(contact.key, target) }))
    .toSorted((a, b) => (a.distance < b.distance ? -1 : 1))
    .map(({ contact }) => contact)
}

/** Names to compare and to read in a failure. */
export function names(contacts: readonly Contact[]): string[] {
  return contacts.map(({ key }) => Buffer.from(key).toString('hex'))
}

export const seed: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0x7fff_ffff })

/** What a task throws, or nothing. */
export function thrownBy(task: () => unknown): unknown {
  try {
    task()
    return undefined
  } catch (error) {
    return error
  }
}
