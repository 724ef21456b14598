import type { Closed, Session } from './connections.ts'
import { type Address, type Contact, isDialable } from './contact.ts'
import { toHex } from './id.ts'
import type { KnownRecords } from './keyed-providers.ts'
import { type LookupContext, nodesQuery, runLookup } from './lookup-run.ts'
import type { IncomingMessage } from './messages.ts'
import type { Clock, Network, Timer } from './ports.ts'
import { Publisher } from './publisher.ts'
import { Reach } from './reach.ts'
import {
  MAX_RECORD_ADDRESSES,
  type RecordAddress,
  type RecordsOptions,
  type SignedRecord,
  serviceKey,
} from './record.ts'
import { RecordHolder } from './record-holder.ts'
import { createRecordStats, type RecordStats } from './record-stats.ts'
import { RecordStore } from './record-store.ts'
import { Resolver } from './resolver.ts'
import type { ServiceIndex } from './service-index.ts'
import { type FoundRecords, findRecords, startOf } from './value-lookup.ts'

/** What is over is taken out of the store this often, in milliseconds. */
const SWEEP = 60_000
/** One lookup takes so long at the most, in milliseconds. */
const LOOKUP = 30_000
/** Contacts of the table among which others are found where the nearest do not take a record. */
const FALLBACK = 48

/** What {@link Records} is made of. */
export interface RecordsContext {
  readonly options: RecordsOptions
  readonly address: Address | undefined
  readonly network: Network
  readonly clock: Clock
  readonly random: () => number
  readonly lookups: LookupContext
  readonly services: ServiceIndex
  readonly isWatched: (service: string) => boolean
  /** Holders that a search for providers must have heard. */
  readonly holders: number
}

/** Binds holder, publisher and resolver together: services beyond one's own connections. */
export class Records {
  readonly stats: RecordStats = createRecordStats()
  readonly #context: RecordsContext
  readonly #store: RecordStore
  readonly #reach: Reach
  readonly #holder: RecordHolder
  readonly #find: (key: Uint8Array, want: number) => Promise<FoundRecords>
  readonly #resolver: Resolver
  readonly #publisher: Publisher
  /** Where this node is reached. */
  #addresses: readonly RecordAddress[]
  #timer: Timer | undefined
  #stopped = false

  constructor(context: RecordsContext) {
    const { options, network, clock, random, lookups, address } = context
    const { connection, table } = lookups
    const { stats } = this
    const store = new RecordStore({ verify: options.verify, random })
    const reach = new Reach({ network, clock, connection })
    const common = { ...lookups, options, network, random, stats, store, reach }
    const wallNow = (): number => options.wallNow()
    const { holders } = context
    const values = { ...common, wallNow, verify: options.verify, holders }
    this.#context = context
    this.#store = store
    this.#reach = reach
    this.#find = (key, want) =>
      reach.run((signal) => findRecords(values, { key, want, signal }), LOOKUP)
    this.#resolver = new Resolver(
      {
        ...common,
        self: table.self,
        trustsOwn: holders <= 1,
        services: context.services,
        find: this.#find,
      },
      context.isWatched,
    )
    this.#holder = new RecordHolder({
      ...common,
      wallNow,
      onStored: (record) => this.#resolver.onStored(record),
      onEvent: (peer, key, records) => this.#resolver.onEvent(peer, key, records),
    })
    this.#addresses = address && isDialable(address) ? [{ address }] : []
    this.#publisher = new Publisher({
      ...common,
      addresses: () => this.#addresses,
      search: (key) => this.#nearest(key),
      keep: (bytes) => this.#holder.put(table.self, bytes),
    })
  }

  /** The first nodes are known. */
  start(): void {
    if (this.#stopped) return
    this.#publisher.start()
    this.#sweep()
  }

  /** Withdraws this node's records; nothing is begun any more. */
  stop(): void {
    this.#stopped = true
    this.#publisher.stop()
    this.#timer?.cancel()
    this.#resolver.stop()
    this.#holder.stop()
    this.#reach.stop()
  }

  /** Returns false where the opcode is not of records. */
  receive(session: Session, message: IncomingMessage): boolean {
    return session.peer.version === 2 && this.#holder.receive(session, message)
  }

  /** Whether the connection to a node is needed though nothing is said on it. */
  needs(key: Uint8Array): boolean {
    return this.#resolver.needs(key) || this.#publisher.isHolder(key)
  }

  /** Where this node is reached, beside an address that it was given: of its own, or relays. */
  setReached(addresses: readonly RecordAddress[]): void {
    const { address } = this.#context
    const own = address && isDialable(address) ? [{ address }] : []
    const told = addresses.filter((one) => isDialable(one.address))
    this.#addresses = [...own, ...told].slice(0, MAX_RECORD_ADDRESSES)
    if (!this.#stopped) this.#publisher.moved()
  }

  peerJoined(): void {
    this.#publisher.peerJoined()
  }

  closed({ session, wasUsed, successor }: Closed): void {
    this.#holder.closed(session)
    const { key } = session.peer
    if (key && wasUsed && !successor) this.#resolver.closed(key)
  }

  setServices(services: ReadonlySet<string>): void {
    this.#publisher.set(services)
  }

  /** Connected providers of a service changed. */
  providersChanged(service: string): void {
    if (this.#context.services.providers(service).length > 0) this.#resolver.offered(service)
  }

  /** Connects providers of a service, where there are any. */
  async resolve(service: string): Promise<void> {
    if (!this.#stopped) await this.#resolver.resolve(service)
  }

  /** Where records of providers are found. */
  get providers(): KnownRecords {
    return this.#resolver
  }

  /** Every record of a service that its holders give, the newest of each provider. */
  async find(service: string): Promise<readonly SignedRecord[]> {
    const { options } = this.#context
    const key = serviceKey(service, options.hash)
    const all = Number.POSITIVE_INFINITY
    const found = this.#stopped ? [] : (await this.#find(key, all)).records
    const newest = new Map<string, SignedRecord>()
    for (const record of [...this.#store.get(key, all, options.wallNow()).records, ...found]) {
      const name = toHex(record.publicKey)
      const known = newest.get(name)
      if (!known || known.seq < record.seq) newest.set(name, record)
    }
    return [...newest.values()].filter(({ tombstone }) => !tombstone)
  }

  /** Somebody listens to a service: its holders are asked to tell of changes. */
  watch(service: string): void {
    if (!this.#stopped) this.#resolver.watch(service)
  }

  /** The nodes nearest to a key that answered, and behind them others that are known, to fall back on. */
  async #nearest(key: Uint8Array): Promise<readonly Contact[]> {
    const { lookups } = this.#context
    const answered = await this.#reach.run(
      (signal) =>
        runLookup(lookups, nodesQuery(key), { signal, start: startOf(lookups.table, key) }),
      LOOKUP,
    )
    const names = new Set(answered.map((one) => toHex(one.key)))
    const others = lookups.table.closest(key, FALLBACK).filter((one) => !names.has(toHex(one.key)))
    return [...answered, ...others]
  }

  #sweep(): void {
    this.#store.sweep(this.#context.options.wallNow())
    this.#timer = this.#context.clock.schedule(SWEEP, () => this.#sweep())
  }
}
