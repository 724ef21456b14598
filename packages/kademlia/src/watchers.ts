import type { Session } from './connections.ts'
import { toHex } from './id.ts'
import type { Clock, Timer } from './ports.ts'
import type { SignedRecord } from './record.ts'
import { MAX_RETURNED } from './record-store.ts'

/** Watchers of a key, keys a connection watches, and the longest watch in seconds. */
const MAX_OF_KEY = 256
const MAX_OF_SESSION = 1_024
const MAX_TTL = 600
/** What changes within so many milliseconds is told at once. */
const GATHER = 50

/** Tells a peer of records that are new. */
export type Notify = (session: Session, key: Uint8Array, records: readonly SignedRecord[]) => void

/** Who wants to know of changes of which keys. What one key's watchers are told is bounded in rate. */
export class Watchers {
  readonly #clock: Clock
  readonly #notify: Notify
  /** By key: until when, by the clock. */
  readonly #keys = new Map<string, Map<Session, number>>()
  readonly #sessions = new Map<Session, Set<string>>()
  /** News by key, the newest of each provider. */
  readonly #news = new Map<string, Map<string, SignedRecord>>()
  #timer: Timer | undefined

  constructor(clock: Clock, notify: Notify) {
    this.#clock = clock
    this.#notify = notify
  }

  /** @returns seconds it is watched for, 0 where there is no room */
  watch(session: Session, key: Uint8Array, ttl: number): number {
    const hex = toHex(key)
    if (ttl === 0) {
      this.#end(session, hex)
      return 0
    }
    const watchers = this.#keys.get(hex) ?? new Map<Session, number>()
    const watched = this.#sessions.get(session) ?? new Set<string>()
    if (watchers.size >= MAX_OF_KEY) this.#prune(hex, watchers)
    const known = watchers.has(session)
    if (!known && (watchers.size >= MAX_OF_KEY || watched.size >= MAX_OF_SESSION)) return 0
    const granted = Math.min(MAX_TTL, ttl)
    this.#keys.set(hex, watchers.set(session, this.#clock.now() + granted * 1_000))
    this.#sessions.set(session, watched.add(hex))
    return granted
  }

  /** A record changed: those who watch its key hear of it in a moment. */
  changed(record: SignedRecord): void {
    const hex = toHex(record.key)
    if (!this.#keys.has(hex)) return
    const news = this.#news.get(hex) ?? new Map<string, SignedRecord>()
    const provider = toHex(record.publicKey)
    // More than one message tells is left out: who watches asks again before long.
    if (news.size >= MAX_RETURNED && !news.has(provider)) return
    this.#news.set(hex, news.set(provider, record))
    this.#timer ??= this.#clock.schedule(GATHER, () => this.#flush())
  }

  /** A connection ended. */
  closed(session: Session): void {
    for (const key of this.#sessions.get(session) ?? []) this.#end(session, key)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#news.clear()
  }

  #flush(): void {
    this.#timer = undefined
    const news = [...this.#news]
    this.#news.clear()
    for (const [hex, records] of news) {
      const watchers = this.#keys.get(hex)
      if (!watchers) continue
      this.#prune(hex, watchers)
      const [first] = records.values()
      if (!first) continue
      for (const session of watchers.keys()) {
        this.#notify(session, first.key, [...records.values()])
      }
    }
  }

  #prune(hex: string, watchers: Map<Session, number>): void {
    const now = this.#clock.now()
    for (const [session, until] of watchers) if (until <= now) this.#end(session, hex)
  }

  #end(session: Session, hex: string): void {
    const watchers = this.#keys.get(hex)
    watchers?.delete(session)
    if (watchers?.size === 0) this.#keys.delete(hex)
    const watched = this.#sessions.get(session)
    watched?.delete(hex)
    if (watched?.size === 0) this.#sessions.delete(session)
  }
}
