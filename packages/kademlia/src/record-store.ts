import { toHex } from './id.ts'
import { isSameRecord, type RecordsOptions, type SignedRecord, verifyRecord } from './record.ts'

/** What becomes of a record that is put: statuses of protocol §3. */
export const PUT_STATUS = {
  stored: 0,
  full: 1,
  seqTooLow: 2,
  seqReused: 3,
  badSignature: 4,
  /** Not in its time: over, or signed more than a minute from now. */
  expired: 5,
  rateLimited: 6,
  unsupported: 7,
  malformed: 11,
} as const

/** Limits of {@link RecordStore}: discovery §2. */
export interface RecordStoreLimits {
  /** Records of one key. @default 256 */
  readonly recordsPerKey: number
  /** Records in all. @default 65_536 */
  readonly records: number
  /** Keys of one provider. @default 64 */
  readonly keysPerProvider: number
}

const DEFAULT_STORE_LIMITS: RecordStoreLimits = {
  recordsPerKey: 256,
  records: 65_536,
  keysPerProvider: 64,
}

/** Seconds a record is good for, at the least and the most. */
const MIN_TTL = 30
const MAX_TTL = 3_600
/** Records of one answer. */
export const MAX_RETURNED = 20
/** How far ahead of ours a provider's clock may be, in milliseconds. */
const MAX_AHEAD = 60_000
/** The whole store is looked through at most so often, in milliseconds. */
const SWEEP_EVERY = 1_000
/** When a store that is full of others' records may be tried again, in seconds. */
const RETRY = 60

/** What {@link RecordStore} works with. */
export interface RecordStoreOptions {
  readonly verify: RecordsOptions['verify']
  /** Numbers in [0, 1): which of many records are returned. */
  readonly random: () => number
  readonly limits?: Partial<RecordStoreLimits>
}

/** How a record is put. */
export interface PutOptions {
  /** Milliseconds since 1970. */
  readonly now: number
  /** A copy that somebody else leaves here is kept so long, in milliseconds. @default its own time */
  readonly cacheMs?: number
}

/** What became of a record. */
export interface PutResult {
  readonly status: number
  /** Seconds it is kept, or after which to try again where the store is full; else 0. */
  readonly seconds: number
  /** Where it changed what is known of the provider: for those who watch. */
  readonly news?: SignedRecord
}

interface Entry {
  readonly record: SignedRecord
  /** Until when it is kept, and until when it is good, in milliseconds since 1970. */
  until: number
  /** Its provider does not answer: it is told to nobody. */
  down: boolean
}

/**
 * Records of other nodes, each signed by its provider (discovery §2). Nothing comes in that is not
 * valid, so that everything that comes out may be forwarded. What is over goes when it is met, and
 * all of it when the store is swept: no timer.
 */
export class RecordStore {
  readonly #verify: RecordsOptions['verify']
  readonly #random: () => number
  readonly #limits: RecordStoreLimits
  /** By key, then by provider. */
  readonly #keys = new Map<string, Map<string, Entry>>()
  /** Keys of each provider. */
  readonly #providers = new Map<string, Set<string>>()
  #size = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor({ verify, random, limits }: RecordStoreOptions) {
    this.#verify = verify
    this.#random = random
    this.#limits = { ...DEFAULT_STORE_LIMITS, ...limits }
  }

  /** Records kept, tombstones and those that are over but not yet met included. */
  get size(): number {
    return this.#size
  }

  /** Keeps a record, if it is good and newer than what is known. Cheap checks come first. */
  put(record: SignedRecord, options: PutOptions): PutResult {
    const { now } = options
    const end = endOf(record)
    if (record.issued > now + MAX_AHEAD || end <= now) return refused(PUT_STATUS.expired)
    const known = this.#entry(record, now)
    if (known && record.seq < known.record.seq) return refused(PUT_STATUS.seqTooLow)
    if (known && record.seq === known.record.seq) return extend(known, record, options)
    const retry = known ? 0 : this.#fullFor(record, now)
    if (retry > 0) return { status: PUT_STATUS.full, seconds: retry }
    if (!verifyRecord(record, this.#verify)) return refused(PUT_STATUS.badSignature)
    const until = keptUntil(record, options, known)
    this.#set({ record, until, down: false })
    return { status: PUT_STATUS.stored, seconds: secondsTo(until, now), news: record }
  }

  /** Records of a key: how many there are, and at most `want` of them, chosen at random. */
  get(
    key: Uint8Array,
    want: number,
    now: number,
  ): { readonly total: number; readonly records: readonly SignedRecord[] } {
    const records: SignedRecord[] = []
    for (const { record, down } of this.#live(toHex(key), now)) {
      if (!record.tombstone && !down) records.push(record)
    }
    const total = records.length
    const count = Math.min(want, MAX_RETURNED, total)
    // The first steps of a Fisher-Yates shuffle.
    for (let i = 0; i < count; i++) {
      const other = i + Math.floor(this.#random() * (total - i))
      const chosen = records[other] as SignedRecord
      records[other] = records[i] as SignedRecord
      records[i] = chosen
    }
    return { total, records: records.slice(0, count) }
  }

  /** What is told of one provider. */
  find(key: Uint8Array, publicKey: Uint8Array, now: number): SignedRecord | undefined {
    const entry = this.#entry({ key, publicKey }, now)
    return entry && !entry.down && !entry.record.tombstone ? entry.record : undefined
  }

  /** A provider does not answer: its record is told no more, until it says something newer. */
  hide(key: Uint8Array, publicKey: Uint8Array): void {
    const entry = this.#keys.get(toHex(key))?.get(toHex(publicKey))
    if (entry) entry.down = true
  }

  /** Takes out what is over. */
  sweep(now: number): void {
    this.#sweptAt = now
    for (const key of this.#keys.keys()) this.#live(key, now)
  }

  #entry(
    { key, publicKey }: Pick<SignedRecord, 'key' | 'publicKey'>,
    now: number,
  ): Entry | undefined {
    const entry = this.#keys.get(toHex(key))?.get(toHex(publicKey))
    if (!entry || entry.until > now) return entry
    this.#delete(toHex(key), toHex(publicKey))
    return undefined
  }

  /** What is kept of a key; the rest goes. */
  #live(key: string, now: number): Entry[] {
    const live: Entry[] = []
    for (const [provider, entry] of this.#keys.get(key) ?? []) {
      if (entry.until > now) live.push(entry)
      else this.#delete(key, provider)
    }
    return live
  }

  /** Seconds until there may be room for one more, 0 where there is. */
  #fullFor({ key, publicKey }: SignedRecord, now: number): number {
    const { recordsPerKey, keysPerProvider, records } = this.#limits
    const hex = toHex(key)
    const provider = toHex(publicKey)
    const isFull = (): boolean =>
      (this.#keys.get(hex)?.size ?? 0) >= recordsPerKey ||
      (this.#providers.get(provider)?.size ?? 0) >= keysPerProvider ||
      this.#size >= records
    // A clock that was set back must not keep it from being swept.
    if (isFull() && Math.abs(now - this.#sweptAt) >= SWEEP_EVERY) this.sweep(now)
    if (!isFull()) return 0
    if (this.#size >= records) return RETRY
    let earliest = now + RETRY * 1_000
    for (const { until } of this.#keys.get(hex)?.values() ?? []) {
      earliest = Math.min(earliest, until)
    }
    return Math.max(1, secondsTo(earliest, now))
  }

  #set(entry: Entry): void {
    const { key, publicKey } = entry.record
    const hex = toHex(key)
    const provider = toHex(publicKey)
    this.#delete(hex, provider)
    const ofKey = this.#keys.get(hex) ?? new Map<string, Entry>()
    this.#keys.set(hex, ofKey.set(provider, entry))
    this.#providers.set(provider, (this.#providers.get(provider) ?? new Set()).add(hex))
    this.#size++
  }

  #delete(key: string, provider: string): void {
    const ofKey = this.#keys.get(key)
    if (!ofKey?.delete(provider)) return
    this.#size--
    if (ofKey.size === 0) this.#keys.delete(key)
    const keys = this.#providers.get(provider)
    keys?.delete(key)
    if (keys?.size === 0) this.#providers.delete(provider)
  }
}

/** When a record is over, in milliseconds since 1970. */
export function endOf({ issued, ttl }: SignedRecord): number {
  return issued + Math.min(MAX_TTL, Math.max(MIN_TTL, ttl)) * 1_000
}

/** A tombstone stays until what it kills would be over. */
function keptUntil(record: SignedRecord, { now, cacheMs }: PutOptions, known?: Entry): number {
  const end = endOf(record)
  if (record.tombstone) return Math.max(end, known?.until ?? 0)
  if (cacheMs === undefined) return end
  return Math.min(end, Math.max(now + cacheMs, known?.until ?? 0))
}

/** The same record once more, or another that pretends to be it. */
function extend(known: Entry, record: SignedRecord, options: PutOptions): PutResult {
  if (!isSameRecord(known.record, record)) return refused(PUT_STATUS.seqReused)
  known.until = Math.max(known.until, keptUntil(record, options, known))
  const wasDown = known.down && options.cacheMs === undefined
  if (wasDown) known.down = false
  const result = { status: PUT_STATUS.stored, seconds: secondsTo(known.until, options.now) }
  return wasDown ? { ...result, news: record } : result
}

function secondsTo(until: number, now: number): number {
  return Math.max(0, Math.floor((until - now) / 1_000))
}

function refused(status: number): PutResult {
  return { status, seconds: 0 }
}
