import type { Contact } from './contact.ts'
import { toHex } from './id.ts'
import type { SignedRecord } from './record.ts'
import { addressesOf } from './record-holder.ts'
import { endOf } from './record-store.ts'

/** Records are used without asking again for so long, in milliseconds (discovery §4). */
const FRESH = 30_000
/** First and longest time for which nobody is asked where nobody was found, in milliseconds. */
const FIRST_MISS = 1_000
const LONGEST_MISS = 10_000
/** Providers of one service that are remembered. */
const MAX_PROVIDERS = 256

/** What was found out about one service: who offers it, or that nobody does. */
export class ServiceCache {
  readonly service: string
  /** Where its records are kept; empty where this node does without records. */
  readonly key: Uint8Array
  /** When somebody wanted it last, by the clock. */
  usedAt: number
  /** Nodes that gave records, nearest to the key first. */
  holders: readonly Contact[] = []
  /** Where new providers will be heard of first: the nearest nodes known, to be watched. */
  watched: readonly Contact[] = []
  /** When all of the nearest nodes were asked last, by the clock. */
  surveyedAt: number = Number.NEGATIVE_INFINITY
  /** Newest word of each provider, tombstones too: an older record must not come back. */
  readonly #records = new Map<string, SignedRecord>()
  #fetchedAt = Number.NEGATIVE_INFINITY
  #missingUntil = Number.NEGATIVE_INFINITY
  #missMs = 0

  constructor(service: string, key: Uint8Array, now: number) {
    this.service = service
    this.key = key
    this.usedAt = now
  }

  /** Takes in a valid record. Returns whether it is news. */
  merge(record: SignedRecord, wallNow: number): boolean {
    const provider = toHex(record.publicKey)
    const known = this.#records.get(provider)
    if (known && record.seq <= known.seq) return false
    if (!known && this.#records.size >= MAX_PROVIDERS) this.#forgetOver(wallNow)
    if (!known && this.#records.size >= MAX_PROVIDERS) return false
    this.#records.set(provider, record)
    return true
  }

  /** Providers that can be dialed, by records that are not over. */
  candidates(wallNow: number): SignedRecord[] {
    return [...this.#records.values()].filter(
      (record) => !record.tombstone && endOf(record) > wallNow && addressesOf(record).length > 0,
    )
  }

  /** Whether the holders were asked a short while ago. */
  isFresh(now: number): boolean {
    return now - this.#fetchedAt < FRESH
  }

  /** A lookup ended; where it went to its end, with the nodes nearest to the key. */
  fetched(now: number, holders: readonly Contact[], nearest?: readonly Contact[]): void {
    this.#fetchedAt = now
    if (holders.length > 0) this.holders = holders
    if (nearest) {
      this.surveyedAt = now
      this.watched = nearest
    } else if (this.watched.length === 0) this.watched = holders
  }

  /** Whether it was found a moment ago that nobody offers it. */
  isMissing(now: number): boolean {
    return now < this.#missingUntil
  }

  /** Nobody offers it: the longer this is so, the less often it is looked up. */
  missed(now: number): void {
    this.#missMs = Math.min(LONGEST_MISS, Math.max(FIRST_MISS, this.#missMs * 2))
    this.#missingUntil = now + this.#missMs
  }

  /** Somebody does. */
  offered(): void {
    this.#missMs = 0
    this.#missingUntil = Number.NEGATIVE_INFINITY
  }

  #forgetOver(wallNow: number): void {
    for (const [provider, record] of this.#records) {
      if (endOf(record) <= wallNow) this.#records.delete(provider)
    }
  }
}
