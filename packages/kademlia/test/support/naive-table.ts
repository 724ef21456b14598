import type { Contact, RoutingTableOptions } from '../../src/index.ts'
import { distance, sortedByDistance } from './ids.ts'

interface Entry {
  contact: Contact
  readonly added: number
  touched: number
  failures: number
}

/** Prefix two ids share, from the length of their distance in binary. */
export function prefixOf(a: Uint8Array, b: Uint8Array): number {
  const bits = distance(a, b)
  return bits === 0n ? 256 : 256 - bits.toString(2).length
}

/** The rules of the table, written down without a thought for speed. */
export class NaiveTable {
  readonly #self: Uint8Array
  readonly #k: number
  readonly #siblings: number
  #entries: Entry[] = []
  readonly #caches = new Map<number, Contact[]>()
  #time = 0

  constructor(self: Uint8Array, { bucketSize = 16, siblings = 32 }: RoutingTableOptions) {
    this.#self = self
    this.#k = bucketSize
    this.#siblings = siblings
  }

  contacts(): Contact[] {
    return this.#entries.map(({ contact }) => contact)
  }

  bucket(prefix: number): Contact[] {
    return this.#in(prefix)
      .toSorted((a, b) => a.touched - b.touched)
      .map(({ contact }) => contact)
  }

  cached(prefix: number): Contact[] {
    return this.#caches.get(prefix) ?? []
  }

  seen(contact: Contact): void {
    const prefix = prefixOf(this.#self, contact.key)
    if (prefix === 256) return
    const entry = this.#find(contact.key)
    if (entry) {
      Object.assign(entry, { contact, touched: ++this.#time, failures: 0 })
    } else if (this.#in(prefix).length < this.#k || this.#isNear(contact)) this.#add(contact)
    else this.#cache(contact)
  }

  failed(key: Uint8Array): void {
    const entry = this.#find(key)
    if (!entry) this.#uncache(key)
    else if (++entry.failures >= 2) this.remove(key)
  }

  remove(key: Uint8Array): void {
    this.#uncache(key)
    const entry = this.#find(key)
    if (!entry) return
    this.#entries = this.#entries.filter((one) => one !== entry)
    const prefix = prefixOf(this.#self, key)
    const newest = this.cached(prefix)[0]
    if (newest && this.#in(prefix).length < this.#k) this.#add(newest)
    for (;;) {
      const waiting = sortedByDistance([...this.#caches.values()].flat(), this.#self)
      const near = waiting.find((contact) => this.#isNear(contact))
      if (!near) return
      this.#add(near)
    }
  }

  #add(contact: Contact): void {
    this.#uncache(contact.key)
    const time = ++this.#time
    this.#entries.push({ contact, added: time, touched: time, failures: 0 })
    for (const { contact: other } of this.#entries) {
      const place = this.#in(prefixOf(this.#self, other.key))
        .toSorted((a, b) => a.added - b.added)
        .findIndex((one) => one.contact === other)
      if (place < this.#k || this.#isNear(other)) continue
      this.#entries = this.#entries.filter((one) => one.contact !== other)
      this.#cache(other)
    }
  }

  #cache(contact: Contact): void {
    this.#uncache(contact.key)
    const prefix = prefixOf(this.#self, contact.key)
    this.#caches.set(prefix, [contact, ...this.cached(prefix)].slice(0, this.#k))
  }

  #uncache(key: Uint8Array): void {
    const prefix = prefixOf(this.#self, key)
    this.#caches.set(
      prefix,
      this.cached(prefix).filter((one) => distance(one.key, key) !== 0n),
    )
  }

  /** Whether it is, or would be, one of the nearest to us. */
  #isNear(contact: Contact): boolean {
    const mine = distance(contact.key, this.#self)
    const nearer = this.#entries.filter((one) => distance(one.contact.key, this.#self) < mine)
    return nearer.length < this.#siblings
  }

  #find(key: Uint8Array): Entry | undefined {
    return this.#entries.find(({ contact }) => distance(contact.key, key) === 0n)
  }

  #in(prefix: number): Entry[] {
    return this.#entries.filter(({ contact }) => prefixOf(this.#self, contact.key) === prefix)
  }
}
