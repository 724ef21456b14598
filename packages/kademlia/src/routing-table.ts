import { Bucket, MAX_BUCKET } from './bucket.ts'
import type { Contact } from './contact.ts'
import { commonPrefix, ID_BITS } from './id.ts'

/** Contacts of a bucket (k) and of its replacement cache (discovery §1). */
export const BUCKET_SIZE = 16
/** Nearest contacts that are kept whatever their bucket says (S/Kademlia §4.2). */
export const SIBLINGS = 32
/** Failures in a row after which a contact is evicted (discovery §1). */
const MAX_FAILURES = 2

/** What became of a contact that was offered. */
export type Insertion = 'added' | 'refreshed' | 'cached' | 'ignored'

/** Options of {@link RoutingTable}. */
export interface RoutingTableOptions {
  /** Contacts of a bucket and of its cache, siblings on top; together below 1,024. @default 16 */
  readonly bucketSize?: number
  /** Nearest contacts kept in any case. @default 32 */
  readonly siblings?: number
  /**
   * Asked before a contact that is not known comes in: the place for limits on addresses.
   * @default everybody
   */
  readonly admit?: (contact: Contact) => boolean
}

/**
 * Kademlia's routing table (Maymounkov & Mazières 2002, §2.2 and §2.4): buckets by common prefix,
 * made when needed, a replacement cache for each (§4.1), and the nearest {@link SIBLINGS} always.
 * A live contact never yields to a newcomer: where a bucket is full, a sibling comes in on top.
 *
 * Whoever is in it is **verified**: it was reached at the address it names and proved the key it
 * names. `seen` is the only way in and must be called for nothing less, so that everything that
 * comes out may be told to others.
 */
export class RoutingTable {
  /** The id distances are measured from; never an entry. */
  readonly self: Uint8Array
  readonly #bucketSize: number
  readonly #siblings: number
  readonly #admit: (contact: Contact) => boolean
  readonly #buckets: (Bucket | undefined)[] = Array.from({ length: ID_BITS })
  readonly #caches: (Bucket | undefined)[] = Array.from({ length: ID_BITS })
  /** Buckets that hold something, by prefix, rising. */
  readonly #occupied: number[] = []
  /** Contacts in buckets before this one cannot be siblings. */
  #siblingsFrom = 0
  #size = 0
  #stamp = 0

  constructor(self: Uint8Array, options: RoutingTableOptions = {}) {
    this.self = new Uint8Array(self)
    this.#bucketSize = options.bucketSize ?? BUCKET_SIZE
    this.#siblings = options.siblings ?? SIBLINGS
    this.#admit = options.admit ?? (() => true)
    if (!(this.#bucketSize >= 1 && this.#bucketSize + this.#siblings < MAX_BUCKET)) {
      throw new RangeError(`bucketSize must be from 1 to ${MAX_BUCKET} less the siblings`)
    }
  }

  /** Number of contacts, caches not counted. */
  get size(): number {
    return this.#size
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined
  }

  get(key: Uint8Array): Contact | undefined {
    const bucket = this.#buckets[commonPrefix(this.self, key)]
    const at = bucket?.find(key) ?? -1
    return at < 0 ? undefined : bucket?.contacts[at]
  }

  /** Whether somebody who is not known would come in, were it seen: into no cache. */
  wants(key: Uint8Array): boolean {
    const at = commonPrefix(this.self, key)
    if (at === ID_BITS) return false
    return this.#sizeOf(at) < this.#bucketSize || this.#wouldBeSibling(at, key)
  }

  /**
   * A contact was reached at its address and proved its key: it moves to the tail of its bucket
   * with the address it has now, its failures are forgotten.
   */
  seen(contact: Contact): Insertion {
    const at = commonPrefix(this.self, contact.key)
    if (at === ID_BITS) return 'ignored'
    const stamp = ++this.#stamp
    let bucket = this.#buckets[at]
    if (!bucket) {
      bucket = new Bucket(at, this.#bucketSize)
      this.#buckets[at] = bucket
    }
    const index = bucket.find(contact.key)
    if (index >= 0) {
      const known = bucket.contacts[index] as Contact
      // Who moves is looked at as if it came: else one would come from anywhere, and all move together.
      const moved = known.address.host !== contact.address.host
      if (moved && !this.#admit(contact)) return 'ignored'
      bucket.touch(index, contact, stamp)
      return 'refreshed'
    }
    if (bucket.size >= this.#bucketSize && !this.#wouldBeSibling(at, contact.key)) {
      return this.#cache(at, contact)
    }
    if (!this.#admit(contact)) return 'ignored'
    this.#uncache(at, contact.key)
    this.#add(at, contact, stamp)
    this.#trim()
    return 'added'
  }

  /**
   * A dial or request to a contact failed.
   * @returns whether the contact was evicted for it: with the second failure in a row
   */
  failed(key: Uint8Array): boolean {
    const at = commonPrefix(this.self, key)
    const bucket = this.#buckets[at]
    const index = bucket?.find(key) ?? -1
    if (!bucket || index < 0) {
      this.#uncache(at, key)
      return false
    }
    return bucket.fail(index) >= MAX_FAILURES && this.remove(key)
  }

  /** Failures in a row of a contact; 0 where it is not known. */
  failures(key: Uint8Array): number {
    const bucket = this.#buckets[commonPrefix(this.self, key)]
    const index = bucket?.find(key) ?? -1
    return bucket && index >= 0 ? bucket.failures(index) : 0
  }

  /** Takes a contact out; the newest of its bucket's cache takes its place. */
  remove(key: Uint8Array): boolean {
    const at = commonPrefix(this.self, key)
    this.#uncache(at, key)
    const bucket = this.#buckets[at]
    const index = bucket?.find(key) ?? -1
    if (!bucket || index < 0) return false
    this.#take(at, bucket, index)
    if (bucket.size < this.#bucketSize) this.#promote(at, this.#caches[at]?.takeNewest())
    this.#promoteSiblings()
    return true
  }

  /**
   * The `count` contacts nearest to `target`, nearest first, exactly; the target itself too where
   * it is known. Buckets do not overlap in distance: those on whose bit the target differs from us
   * are nearer than us, the first nearest; the others follow, last first.
   */
  closest(target: Uint8Array, count: number): Contact[] {
    const found: Contact[] = []
    const { self } = this
    const occupied = this.#occupied
    for (let i = 0; i < occupied.length && found.length < count; i++) {
      const at = occupied[i] as number
      if (differsAt(self, target, at)) this.#buckets[at]?.collect(target, found, count)
    }
    for (let i = occupied.length - 1; i >= 0 && found.length < count; i--) {
      const at = occupied[i] as number
      if (!differsAt(self, target, at)) this.#buckets[at]?.collect(target, found, count)
    }
    return found
  }

  /** The nearest to us, nearest first: exactly those of all that are known, caches included. */
  siblings(): Contact[] {
    return this.closest(this.self, this.#siblings)
  }

  /** Contacts that share exactly `prefix` first bits with us, least recently seen first. */
  bucket(prefix: number): Contact[] {
    return this.#buckets[prefix]?.byAge() ?? []
  }

  /** What waits for a place in that bucket, newest first. */
  cached(prefix: number): Contact[] {
    return this.#caches[prefix]?.byAge().toReversed() ?? []
  }

  /** All contacts, caches not included, in no order. */
  contacts(): Contact[] {
    return this.#occupied.flatMap((at) => [...(this.#buckets[at]?.contacts ?? [])])
  }

  #add(at: number, contact: Contact, stamp: number): void {
    this.#buckets[at]?.add(contact, stamp)
    this.#size++
    if (this.#sizeOf(at) === 1) this.#occupied.splice(this.#placeOf(at), 0, at)
    this.#findSiblings()
  }

  #take(at: number, bucket: Bucket, index: number): Contact {
    const contact = bucket.removeAt(index)
    this.#size--
    if (bucket.size === 0) this.#occupied.splice(this.#placeOf(at), 1)
    this.#findSiblings()
    return contact
  }

  /** Where a bucket stands, or would stand, among the occupied. */
  #placeOf(at: number): number {
    const occupied = this.#occupied
    let place = occupied.length
    while (place > 0 && (occupied[place - 1] as number) >= at) place--
    return place
  }

  /** The bucket that the last of the siblings is in, or the first of all. */
  #findSiblings(): void {
    let deeper = 0
    this.#siblingsFrom = 0
    for (let i = this.#occupied.length - 1; i >= 0; i--) {
      const at = this.#occupied[i] as number
      deeper += this.#sizeOf(at)
      if (deeper < this.#siblings) continue
      this.#siblingsFrom = at
      break
    }
  }

  #sizeOf(at: number): number {
    return this.#buckets[at]?.size ?? 0
  }

  #cache(at: number, contact: Contact): Insertion {
    let cache = this.#caches[at]
    if (!cache) {
      cache = new Bucket(at, this.#bucketSize)
      this.#caches[at] = cache
    }
    const stamp = ++this.#stamp
    const index = cache.find(contact.key)
    if (index >= 0) cache.touch(index, contact, stamp)
    else if (!this.#admit(contact)) return 'ignored'
    else if (cache.size < this.#bucketSize) cache.add(contact, stamp)
    else cache.replaceOldest(contact, stamp)
    return 'cached'
  }

  #uncache(at: number, key: Uint8Array): void {
    const cache = this.#caches[at]
    const index = cache?.find(key) ?? -1
    if (index >= 0) cache?.removeAt(index)
  }

  /** How many of the siblings' places the deeper buckets leave to this one. */
  #siblingRoom(at: number): number {
    let room = this.#siblings
    for (let i = this.#occupied.length - 1; i >= 0 && room > 0; i--) {
      const deeper = this.#occupied[i] as number
      if (deeper <= at) break
      room -= this.#sizeOf(deeper)
    }
    return Math.max(0, room)
  }

  #wouldBeSibling(at: number, key: Uint8Array): boolean {
    if (at < this.#siblingsFrom) return false
    const room = this.#siblingRoom(at)
    return room > 0 && (this.#buckets[at]?.countNearer(this.self, key) ?? 0) < room
  }

  /**
   * Who came in for a sibling's place alone and has it no more moves to the cache. Whoever came in, at
   * most one lost such a place to it.
   */
  #trim(): void {
    for (const at of this.#occupied) {
      const bucket = this.#buckets[at] as Bucket
      if (bucket.size <= this.#bucketSize) continue
      const places = { nearest: this.#siblingRoom(at), first: this.#bucketSize }
      const index = bucket.surplus(this.self, places)
      if (index < 0) continue
      this.#cache(at, this.#take(at, bucket, index))
      return
    }
  }

  #promote(at: number, contact: Contact | undefined): void {
    // Others may have come in since it was cached.
    if (!contact || !this.#admit(contact)) return
    this.#add(at, contact, ++this.#stamp)
    this.#trim()
  }

  /** Cached contacts that became siblings when another was taken out. */
  #promoteSiblings(): void {
    for (let at = ID_BITS - 1; at >= this.#siblingsFrom; at--) {
      const cache = this.#caches[at]
      const index = cache?.nearest(this.self) ?? -1
      if (!cache || index < 0) continue
      if (!this.#wouldBeSibling(at, (cache.contacts[index] as Contact).key)) continue
      this.#promote(at, cache.removeAt(index))
      at = ID_BITS
    }
  }
}

function differsAt(a: Uint8Array, b: Uint8Array, bit: number): boolean {
  const at = bit >>> 3
  return ((((a[at] as number) ^ (b[at] as number)) >>> (7 - (bit & 7))) & 1) === 1
}
