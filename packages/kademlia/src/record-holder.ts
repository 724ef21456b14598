import { type Reader, TokenBucket } from '@flatend/wire'
import { DOWN_HINT, EVENT, GET, PUT, STATUS_FULL, STATUS_OK, WATCH } from './codec.ts'
import type { Session } from './connections.ts'
import { isDialable } from './contact.ts'
import { commonPrefix, sameKey, toHex } from './id.ts'
import type { IncomingMessage } from './messages.ts'
import type { Clock, Peer } from './ports.ts'
import type { Reach } from './reach.ts'
import { type RecordAddress, type SignedRecord, tryReadRecord } from './record.ts'
import {
  readDownHint,
  readEvent,
  readGet,
  readPut,
  readWatch,
  writeEvent,
  writeGetAnswer,
  writePutAnswers,
} from './record-codec.ts'
import { countPut, type RecordStats } from './record-stats.ts'
import { PUT_STATUS, type PutResult, type RecordStore } from './record-store.ts'
import { BUCKET_SIZE, type RoutingTable } from './routing-table.ts'
import { Watchers } from './watchers.ts'

/** Records a connection may put: so many a second, and at once. A signature takes about 0.1 ms. */
const PUTS = { perSecond: 64, burst: 256 }
/** Hints of a connection (discovery §3). */
const HINTS = { perSecond: 10, burst: 10 }
/** Providers that are probed at a time. */
const MAX_PROBES = 16
/** A copy left by somebody else is kept so long at the most, in milliseconds (discovery §2). */
const CACHE = 60_000
/** Beyond so many halvings such a copy would be kept for no second. */
const MAX_HALVINGS = 5

/** What {@link RecordHolder} works with. */
export interface HolderContext {
  readonly table: RoutingTable
  readonly store: RecordStore
  readonly stats: RecordStats
  readonly clock: Clock
  readonly wallNow: () => number
  readonly reach: Reach
  readonly connection: (key: Uint8Array) => Peer | undefined
  /** A record came that is valid and new. */
  readonly onStored: (record: SignedRecord) => void
  /** A peer told of records that changed; they are not checked. */
  readonly onEvent: (peer: Peer, key: Uint8Array, records: readonly Uint8Array[]) => void
}

/** Keeps records for others: what peers put, ask for and watch. Only v2 peers come here. */
export class RecordHolder {
  readonly #context: HolderContext
  readonly #watchers: Watchers
  readonly #rates = new Map<Session, { readonly puts: TokenBucket; readonly hints: TokenBucket }>()
  /** Providers being probed. */
  readonly #probes = new Set<string>()

  constructor(context: HolderContext) {
    this.#context = context
    this.#watchers = new Watchers(context.clock, ({ peer }, key, records) => {
      const bytes = records.map((record) => record.bytes)
      peer.send(EVENT, (writer) => writeEvent(writer, { key, records: bytes }))
    })
  }

  /** Returns false where the opcode is not of records. */
  receive(session: Session, { seq, opcode, body }: IncomingMessage): boolean {
    if (opcode === PUT) this.#onPut(session, seq, body)
    else if (opcode === GET) this.#onGet(session, seq, body)
    else if (opcode === WATCH) this.#onWatch(session, seq, body)
    else if (opcode === EVENT) this.#onEvent(session, body)
    else if (opcode === DOWN_HINT) this.#onDownHint(session, body)
    else return false
    return true
  }

  closed(session: Session): void {
    this.#watchers.closed(session)
    this.#rates.delete(session)
  }

  stop(): void {
    this.#watchers.stop()
  }

  #onPut(session: Session, seq: number, body: Reader): void {
    const { stats, clock } = this.#context
    const answers = readPut(body).map((bytes) => {
      const allowed = this.#ratesOf(session).puts.take(clock.now())
      const result = allowed
        ? this.put(session.peer.key, bytes)
        : { status: PUT_STATUS.rateLimited, seconds: 1 }
      countPut(stats, result.status)
      return result
    })
    if (seq === 0) return
    session.peer.reply(seq, STATUS_OK, (writer) => writePutAnswers(writer, answers))
  }

  /** Who brings a record of somebody else leaves a copy, which is kept for a while only. */
  put(from: Uint8Array | undefined, bytes: Uint8Array): PutResult {
    const record = tryReadRecord(bytes)
    if (!record) return { status: PUT_STATUS.malformed, seconds: 0 }
    const { store, wallNow } = this.#context
    const now = wallNow()
    const own = sameKey(from, record.publicKey)
    const cacheMs = own ? undefined : this.#cacheMs(record.key)
    if (cacheMs === 0 && !record.tombstone)
      return { status: PUT_STATUS.full, seconds: CACHE / 1_000 }
    const result = store.put(record, { now, ...(cacheMs === undefined ? {} : { cacheMs }) })
    if (result.news) {
      this.#watchers.changed(result.news)
      this.#context.onStored(result.news)
    }
    return result
  }

  /**
   * A copy is kept half as long for each doubling of the nodes between us and the holders (paper §2.3):
   * for each first bit of the key that our own 16 nearest share with us and we not with the key. So
   * what is asked for often is found far out, where lookups come together first, and for seconds only.
   */
  #cacheMs(key: Uint8Array): number {
    const { table } = this.#context
    const farthest = table.closest(table.self, BUCKET_SIZE)[BUCKET_SIZE - 1]
    // Of so few nodes each is a holder.
    if (!farthest) return CACHE
    const depth = commonPrefix(table.self, farthest.key)
    const halvings = Math.max(0, depth - commonPrefix(table.self, key))
    return halvings > MAX_HALVINGS ? 0 : CACHE / 2 ** halvings
  }

  #onGet({ peer }: Session, seq: number, body: Reader): void {
    const { key, want, nodes } = readGet(body)
    const { store, table, wallNow } = this.#context
    const { total, records } = store.get(key, want, wallNow())
    const contacts = table.closest(key, nodes)
    peer.reply(seq, STATUS_OK, (writer) =>
      writeGetAnswer(writer, { total, records: records.map(({ bytes }) => bytes), contacts }),
    )
  }

  #onWatch(session: Session, seq: number, body: Reader): void {
    const { key, ttl } = readWatch(body)
    const granted = this.#watchers.watch(session, key, ttl)
    const status = ttl > 0 && granted === 0 ? STATUS_FULL : STATUS_OK
    session.peer.reply(seq, status, (writer) => writer.u32(granted))
  }

  #onEvent({ peer }: Session, body: Reader): void {
    const { key, records } = readEvent(body)
    this.#context.onEvent(peer, key, records)
  }

  #onDownHint(session: Session, body: Reader): void {
    const { key, publicKey } = readDownHint(body)
    const { store, stats, wallNow, clock, connection } = this.#context
    const allowed = this.#ratesOf(session).hints.take(clock.now())
    const record = allowed ? store.find(key, publicKey, wallNow()) : undefined
    const address = record && addressesOf(record)[0]
    const busy = this.#probes.size >= MAX_PROBES || this.#probes.has(toHex(publicKey))
    if (!record || !address || busy) stats.ignoredHints++
    else if (!connection(publicKey)) void this.#probe(record, address)
  }

  /** Looks for itself, before it believes that somebody is gone. */
  async #probe({ key, publicKey }: SignedRecord, address: RecordAddress): Promise<void> {
    const { reach, store, connection } = this.#context
    const hex = toHex(publicKey)
    this.#probes.add(hex)
    await reach.to({ key: publicKey, ...address })
    this.#probes.delete(hex)
    if (!connection(publicKey) && !reach.stopped) store.hide(key, publicKey)
  }

  #ratesOf(session: Session): { readonly puts: TokenBucket; readonly hints: TokenBucket } {
    let rates = this.#rates.get(session)
    if (rates) return rates
    const now = this.#context.clock.now()
    rates = {
      puts: new TokenBucket(PUTS, now),
      hints: new TokenBucket(HINTS, now),
    }
    this.#rates.set(session, rates)
    return rates
  }
}

/** Where a provider can be dialed itself. */
export function addressesOf({ addresses }: SignedRecord): RecordAddress[] {
  const dialable = addresses.filter(({ address }) => isDialable(address))
  const [relayed, direct] = [
    dialable.filter(({ relay }) => relay !== undefined),
    dialable.filter(({ relay }) => relay === undefined),
  ]
  return [...direct, ...relayed]
}
