import type { Contact } from './contact.ts'
import { compareDistance, compareIds } from './id.ts'

/** Who has a place in a bucket: so many by distance, so many by seniority. */
export interface Places {
  readonly nearest: number
  readonly first: number
}

/**
 * A few contacts whose ids share their first `prefix` bits, kept as columns: the 32 bits behind the
 * prefix of every id lie side by side, so that finding and sorting touch one array and look into an
 * id only where two agree in all of them.
 */
export class Bucket {
  readonly #prefix: number
  readonly #contacts: Contact[] = []
  #words: Uint32Array
  /** When each was last heard of and when it came, as numbers that only grow. */
  #touched: Float64Array
  #added: Float64Array
  readonly #failures: number[] = []

  constructor(prefix: number, capacity: number) {
    this.#prefix = prefix
    this.#words = new Uint32Array(capacity)
    this.#touched = new Float64Array(capacity)
    this.#added = new Float64Array(capacity)
  }

  get size(): number {
    return this.#contacts.length
  }

  /** The contacts, in no order; not to be changed. */
  get contacts(): readonly Contact[] {
    return this.#contacts
  }

  /** Position of an id, or -1. */
  find(key: Uint8Array): number {
    const contacts = this.#contacts
    const words = this.#words
    const word = wordAt(key, this.#prefix)
    for (let i = 0; i < contacts.length; i++) {
      if (words[i] === word && compareIds((contacts[i] as Contact).key, key) === 0) return i
    }
    return -1
  }

  add(contact: Contact, stamp: number): void {
    const at = this.#contacts.length
    if (at === this.#words.length) this.#grow()
    this.#contacts.push(contact)
    this.#failures.push(0)
    this.#words[at] = wordAt(contact.key, this.#prefix)
    this.#touched[at] = stamp
    this.#added[at] = stamp
  }

  /** Proof of life: to the tail, failures forgotten, the address taken over. */
  touch(at: number, contact: Contact, stamp: number): void {
    this.#contacts[at] = contact
    this.#touched[at] = stamp
    this.#failures[at] = 0
  }

  /** Puts a contact in the place of the one least recently heard of. */
  replaceOldest(contact: Contact, stamp: number): void {
    const touched = this.#touched
    const { size } = this
    let oldest = 0
    let since = touched[0] as number
    for (let i = 1; i < size; i++) {
      const other = touched[i] as number
      if (other >= since) continue
      since = other
      oldest = i
    }
    this.touch(oldest, contact, stamp)
    this.#added[oldest] = stamp
    this.#words[oldest] = wordAt(contact.key, this.#prefix)
  }

  /** Counts a failure; returns how many there were in a row. */
  fail(at: number): number {
    const failures = (this.#failures[at] as number) + 1
    this.#failures[at] = failures
    return failures
  }

  failures(at: number): number {
    return this.#failures[at] as number
  }

  /** Takes the contact at a position out; another takes that position. */
  removeAt(at: number): Contact {
    const removed = this.#contacts[at] as Contact
    const last = this.#contacts.length - 1
    this.#contacts[at] = this.#contacts[last] as Contact
    this.#failures[at] = this.#failures[last] as number
    this.#words[at] = this.#words[last] as number
    this.#touched[at] = this.#touched[last] as number
    this.#added[at] = this.#added[last] as number
    this.#contacts.pop()
    this.#failures.pop()
    return removed
  }

  /** Takes out the one heard of last. */
  takeNewest(): Contact | undefined {
    let newest = 0
    for (let i = 1; i < this.size; i++) {
      if ((this.#touched[i] as number) > (this.#touched[newest] as number)) newest = i
    }
    return this.size === 0 ? undefined : this.removeAt(newest)
  }

  /** Least recently heard of first. */
  byAge(): Contact[] {
    const order = [...this.#contacts.keys()]
    order.sort((a, b) => (this.#touched[a] as number) - (this.#touched[b] as number))
    return order.map((at) => this.#contacts[at] as Contact)
  }

  /** How many are nearer to `target` than `key` is. */
  countNearer(target: Uint8Array, key: Uint8Array): number {
    let nearer = 0
    for (const contact of this.#contacts) {
      if (compareDistance(target, contact.key, key) < 0) nearer++
    }
    return nearer
  }

  /** Position of the one nearest to `target`, or -1. */
  nearest(target: Uint8Array): number {
    let nearest = -1
    for (let i = 0; i < this.size; i++) {
      const key = (this.#contacts[i] as Contact).key
      if (nearest < 0 || compareDistance(target, key, (this.#contacts[nearest] as Contact).key) < 0)
        nearest = i
    }
    return nearest
  }

  /** Appends the contacts nearest to `target`, nearest first, until `found` holds `count`. */
  collect(target: Uint8Array, found: Contact[], count: number): void {
    const sorted = this.#sort(target, Math.min(count - found.length, this.size))
    for (let i = 0; i < sorted; i++)
      found.push(this.#contacts[(sorting[i] as number) & POSITION] as Contact)
  }

  /**
   * Position of one that is neither among the `nearest` to `target` nor among the `first` that came,
   * or -1.
   */
  surplus(target: Uint8Array, { nearest, first }: Places): number {
    const sorted = this.#sort(target, this.size)
    for (let i = nearest; i < sorted; i++) {
      const at = (sorting[i] as number) & POSITION
      if (this.#countEarlier(at) >= first) return at
    }
    return -1
  }

  #countEarlier(at: number): number {
    const added = this.#added
    let earlier = 0
    for (let i = 0; i < this.#contacts.length; i++) {
      if ((added[i] as number) < (added[at] as number)) earlier++
    }
    return earlier
  }

  /**
   * Sorts the `want` nearest to `target` into `sorting`; returns how many there are. By insertion: a
   * bucket is small, and what lies beyond `want` never moves.
   */
  #sort(target: Uint8Array, want: number): number {
    const words = this.#words
    const { size } = this
    const word = wordAt(target, this.#prefix)
    let sorted = 0
    for (let i = 0; i < size; i++) {
      const entry = ((((words[i] as number) ^ word) >>> 1) & ~POSITION) | i
      if (sorted < want) sorted++
      else if (want === 0 || !this.#isNearer(target, entry, sorting[want - 1] as number)) continue
      let place = sorted - 1
      for (; place > 0; place--) {
        const other = sorting[place - 1] as number
        if (!this.#isNearer(target, entry, other)) break
        sorting[place] = other
      }
      sorting[place] = entry
    }
    return sorted
  }

  /** Compares two entries of `sorting`; ids are looked into only where their 21 bits are equal. */
  #isNearer(target: Uint8Array, a: number, b: number): boolean {
    if ((a ^ b) > POSITION) return a < b
    const contacts = this.#contacts
    const one = (contacts[a & POSITION] as Contact).key
    return compareDistance(target, one, (contacts[b & POSITION] as Contact).key) < 0
  }

  #grow(): void {
    const capacity = this.#words.length * 2
    this.#words = grown(this.#words, new Uint32Array(capacity))
    this.#touched = grown(this.#touched, new Float64Array(capacity))
    this.#added = grown(this.#added, new Float64Array(capacity))
  }
}

/** Most contacts a bucket can have. */
export const MAX_BUCKET = 1_024
/** The bits of an entry that are a position; the 21 above are the first of a distance. */
const POSITION: number = MAX_BUCKET - 1
/** Room to sort in, shared: nothing here is interrupted. */
const sorting = new Int32Array(MAX_BUCKET)

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** 32 bits of an id from bit `bit` on, zeroes behind its end. */
function wordAt(id: Uint8Array, bit: number): number {
  const at = bit >>> 3
  const shift = bit & 7
  if (at > id.length - 5) return tailWord(id, at, shift)
  const word =
    ((id[at] as number) << 24) |
    ((id[at + 1] as number) << 16) |
    ((id[at + 2] as number) << 8) |
    (id[at + 3] as number)
  return ((word << shift) | ((id[at + 4] as number) >>> (8 - shift))) >>> 0
}

function tailWord(id: Uint8Array, at: number, shift: number): number {
  const last = new Uint8Array(5)
  last.set(id.subarray(at))
  return wordAt(last, shift)
}
