import type { Contact } from './contact.ts'
import { commonPrefix, compareDistance, ID_BITS, ID_LENGTH, toHex } from './id.ts'

/** Contacts of a bucket (k) and of its replacement cache. */
export const BUCKET_SIZE = 16
/** Nearest contacts that are kept whatever their bucket says (S/Kademlia §4.2). */
export const SIBLINGS = 32
/** Failures in a row after which a contact is evicted. */
const MAX_FAILURES = 2
const WORDS = ID_LENGTH / 4

interface Entry {
  readonly contact: Contact
  readonly words: Uint32Array
  failures: number
  seen: number
}

/** Least recently seen first; the cache newest last. */
interface Bucket {
  entries: Entry[]
  cache: Entry[]
}

/** What became of a contact that was offered. */
export type Insertion = 'added' | 'refreshed' | 'cached' | 'ignored'

/**
 * Kademlia's routing table (Maymounkov & Mazières 2002, §2.2 and §2.4): buckets by common prefix,
 * made when needed, a replacement cache for each (§4.1), and the nearest {@link SIBLINGS} always.
 * A live contact never yields to a newcomer.
 */
export class RoutingTable {
  readonly self: Uint8Array
  readonly #buckets: (Bucket | undefined)[] = []
  readonly #index = new Map<string, number>()
  #size = 0

  constructor(self: Uint8Array) {
    this.self = self
  }

  /** Number of contacts, caches not counted. */
  get size(): number {
    return this.#size
  }

  has(key: Uint8Array): boolean {
    return this.#index.has(toHex(key))
  }

  /** A contact gave proof of life at `now`, in milliseconds. */
  seen(contact: Contact, now: number): Insertion {
    const at = commonPrefix(this.self, contact.key)
    if (at === ID_BITS) return 'ignored'
    const hex = toHex(contact.key)
    this.#buckets[at] ??= { entries: [], cache: [] }
    const bucket = this.#buckets[at] as Bucket
    const entry: Entry = { contact, words: toWords(contact.key), failures: 0, seen: now }
    if (this.#index.has(hex)) {
      replace(bucket.entries, entry)
      return 'refreshed'
    }
    if (bucket.entries.length >= BUCKET_SIZE && !this.#isSibling(at, contact.key)) {
      remove(bucket.cache, contact.key)
      bucket.cache.push(entry)
      if (bucket.cache.length > BUCKET_SIZE) bucket.cache.shift()
      return 'cached'
    }
    remove(bucket.cache, contact.key)
    bucket.entries.push(entry)
    this.#index.set(hex, at)
    this.#size++
    this.#trim()
    return 'added'
  }

  /** A dial or request failed. Returns whether the contact was evicted for it. */
  failed(key: Uint8Array): boolean {
    const at = this.#index.get(toHex(key))
    if (at === undefined) return false
    const entry = this.#buckets[at]?.entries.find((one) => sameKey(one.contact.key, key))
    if (!entry || ++entry.failures < MAX_FAILURES) return false
    this.remove(key)
    return true
  }

  /** Takes a contact out; the newest of its bucket's cache takes its place. */
  remove(key: Uint8Array): boolean {
    const hex = toHex(key)
    const at = this.#index.get(hex)
    if (at === undefined) return false
    const bucket = this.#buckets[at] as Bucket
    remove(bucket.entries, key)
    this.#index.delete(hex)
    this.#size--
    const next = bucket.entries.length < BUCKET_SIZE ? bucket.cache.pop() : undefined
    if (next) {
      bucket.entries.push(next)
      this.#index.set(toHex(next.contact.key), at)
      this.#size++
    }
    return true
  }

  /**
   * The `count` contacts nearest to `target`, nearest first, exactly. Buckets are groups that do
   * not overlap in distance: the target's own, then all deeper ones together, then one by one
   * those before.
   */
  closest(target: Uint8Array, count: number): Contact[] {
    const found: Contact[] = []
    const words = toWords(target)
    const own = Math.min(commonPrefix(this.self, target), ID_BITS - 1)
    this.#take(found, { words, count, entries: this.#buckets[own]?.entries ?? [] })
    if (found.length < count) {
      const deeper: Entry[] = []
      for (let at = own + 1; at < this.#buckets.length; at++) {
        const bucket = this.#buckets[at]
        if (bucket) deeper.push(...bucket.entries)
      }
      this.#take(found, { words, count, entries: deeper })
    }
    for (let at = own - 1; at >= 0 && found.length < count; at--) {
      const bucket = this.#buckets[at]
      if (bucket) this.#take(found, { words, count, entries: bucket.entries })
    }
    return found
  }

  /** All contacts, in no order. */
  contacts(): Contact[] {
    return this.#buckets.flatMap((bucket) => bucket?.entries.map(({ contact }) => contact) ?? [])
  }

  #take(
    found: Contact[],
    { words, count, entries }: { words: Uint32Array; count: number; entries: readonly Entry[] },
  ): void {
    if (entries.length === 0) return
    const sorted = entries.length === 1 ? entries : sortByDistance(entries, words)
    for (const { contact } of sorted) {
      if (found.length === count) return
      found.push(contact)
    }
  }

  /** Whether a key would be one of the nearest to us. */
  #isSibling(at: number, key: Uint8Array): boolean {
    let nearer = 0
    for (let deeper = at + 1; deeper < this.#buckets.length; deeper++) {
      nearer += this.#buckets[deeper]?.entries.length ?? 0
      if (nearer >= SIBLINGS) return false
    }
    for (const { contact } of this.#buckets[at]?.entries ?? []) {
      if (compareDistance(this.self, contact.key, key) < 0) nearer++
    }
    return nearer < SIBLINGS
  }

  /** Puts contacts that are siblings no more, in buckets that hold too many, into the caches. */
  #trim(): void {
    for (let at = 0; at < this.#buckets.length; at++) {
      const bucket = this.#buckets[at]
      while (bucket && bucket.entries.length > BUCKET_SIZE) {
        const newest = bucket.entries.at(-1) as Entry
        const farthest = bucket.entries.reduce((a, b) =>
          compareDistance(this.self, a.contact.key, b.contact.key) > 0 ? a : b,
        )
        if (this.#isSibling(at, farthest.contact.key)) break
        const loser = this.#isSibling(at, newest.contact.key) ? farthest : newest
        remove(bucket.entries, loser.contact.key)
        this.#index.delete(toHex(loser.contact.key))
        this.#size--
        bucket.cache.push(loser)
        if (bucket.cache.length > BUCKET_SIZE) bucket.cache.shift()
      }
    }
  }
}

/** The eight big-endian words of a key: distances compare a word at a time. */
function toWords(key: Uint8Array): Uint32Array {
  const words = new Uint32Array(WORDS)
  for (let i = 0; i < WORDS; i++) {
    const at = i * 4
    words[i] =
      ((key[at] as number) << 24) |
      ((key[at + 1] as number) << 16) |
      ((key[at + 2] as number) << 8) |
      (key[at + 3] as number)
  }
  return words
}

function sortByDistance(entries: readonly Entry[], target: Uint32Array): Entry[] {
  return entries.toSorted((a, b) => {
    for (let i = 0; i < WORDS; i++) {
      const t = target[i] as number
      const x = ((a.words[i] as number) ^ t) >>> 0
      const y = ((b.words[i] as number) ^ t) >>> 0
      if (x !== y) return x < y ? -1 : 1
    }
    return 0
  })
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return compareDistance(a, b, a) === 0
}

function remove(entries: Entry[], key: Uint8Array): void {
  const at = entries.findIndex(({ contact }) => sameKey(contact.key, key))
  if (at >= 0) entries.splice(at, 1)
}

function replace(entries: Entry[], entry: Entry): void {
  remove(entries, entry.contact.key)
  entries.push(entry)
}
