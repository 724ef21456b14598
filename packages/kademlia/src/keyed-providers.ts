import { toHex } from './id.ts'
import type { Clock, Peer } from './ports.ts'
import type { RecordsOptions, SignedRecord } from './record.ts'
import { byHashedDistance, type CallKey, placeOfKey } from './rendezvous.ts'
import type { ServiceIndex } from './service-index.ts'

/** A list of providers is used for so long before expired records are looked for, in milliseconds. */
const LIST = 1_000
/** Services whose lists are kept, and providers that did not answer. */
const MAX_LISTS = 1_024
const MAX_LOST = 4_096

/** A provider of a service: a connected peer, this node, or one that is known by its record alone. */
export type Ranked = Peer | 'self' | 'distant'

/** Where records are found: what {@link KeyedProviders} needs of the resolver. */
export interface KnownRecords {
  /** Nobody is dialed any more. */
  readonly stopped: boolean
  /** Records of providers that can be dialed; `undefined` where nobody was asked for them yet. */
  known(service: string): readonly SignedRecord[] | undefined
  /** Resolves when the nearest nodes were asked for all they have. */
  survey(service: string): Promise<void>
  /** Resolves with whether a provider is connected now and offers the service. */
  connectTo(service: string, record: SignedRecord): Promise<boolean>
}

/** What {@link KeyedProviders} works with. */
export interface KeyedContext {
  readonly self: Uint8Array
  readonly clock: Clock
  readonly hash: RecordsOptions['hash']
  readonly services: ServiceIndex
  readonly records: KnownRecords
  readonly connection: (key: Uint8Array) => Peer | undefined
  /** Whether this node offers a service itself. */
  readonly offers: (service: string) => boolean
}

interface Entry {
  readonly key: Uint8Array | undefined
  readonly ranked: Ranked
  readonly record?: SignedRecord
}

interface List {
  readonly entries: readonly Entry[]
  /** What it was made of. */
  readonly peers: readonly Peer[]
  readonly records: readonly SignedRecord[] | undefined
  readonly own: boolean
  readonly until: number
}

/**
 * Which provider calls of one key belong to: the nearest to it by hashed distance, of all that are
 * known, connected or not (discovery §4). Who knows the same providers chooses the same one.
 */
export class KeyedProviders {
  readonly #context: KeyedContext
  readonly #lists = new Map<string, List>()
  /** Providers that did not answer, by key: the record by which they were dialed. */
  readonly #lost = new Map<string, bigint>()

  constructor(context: KeyedContext) {
    this.#context = context
  }

  /**
   * Providers of a service, those nearest to the key first.
   * @returns `undefined` where it is not known who there is: see {@link KeyedProviders.find}
   */
  ranked(service: string, key: CallKey): readonly Ranked[] | undefined {
    if (this.#context.records.known(service) === undefined) return undefined
    return this.#entries(service, key).map(({ ranked }) => ranked)
  }

  /**
   * Connects the provider nearest to a key, of those not refused; where it cannot be reached, the
   * next, and so on. Never rejects.
   */
  async find(
    service: string,
    key: CallKey,
    isRefused: (provider: Peer | 'self') => boolean,
  ): Promise<void> {
    const { records } = this.#context
    await records.survey(service)
    for (;;) {
      const next = this.#entries(service, key).find(
        ({ ranked }) => ranked === 'distant' || !isRefused(ranked),
      )
      if (!next?.record || records.stopped) return
      // Each is dialed once a record, so that this ends.
      if (!(await records.connectTo(service, next.record))) this.#lose(next.record)
      this.#lists.delete(service)
    }
  }

  #entries(service: string, key: CallKey): Entry[] {
    const { entries } = this.#list(service)
    return byHashedDistance(placeOfKey(key, this.#context.hash), entries, (entry) => entry.key)
  }

  #list(service: string): List {
    const { services, records, offers, clock } = this.#context
    const now = clock.now()
    const parts = {
      peers: services.providers(service),
      records: records.known(service),
      own: offers(service),
    }
    const known = this.#lists.get(service)
    if (known && isOf(known, parts) && now < known.until) return known
    if (this.#lists.size >= MAX_LISTS) this.#lists.clear()
    const list = { ...parts, entries: this.#make(service, parts), until: now + LIST }
    this.#lists.set(service, list)
    return list
  }

  #make(service: string, { peers, records = [], own }: Omit<List, 'entries' | 'until'>): Entry[] {
    const { self, connection, services } = this.#context
    const entries: Entry[] = peers.map((peer) => ({ key: peer.key, ranked: peer }))
    if (own) entries.push({ key: self, ranked: 'self' })
    const selfHex = toHex(self)
    for (const record of records) {
      const hex = toHex(record.publicKey)
      const peer = connection(record.publicKey)
      if (hex === selfHex || (peer && services.has(peer, service))) continue
      if (this.#lost.get(hex) === record.seq) continue
      entries.push({ key: record.publicKey, ranked: 'distant', record })
    }
    return entries
  }

  /** It is a provider again when it is connected, or says something new. */
  #lose({ publicKey, seq }: SignedRecord): void {
    if (this.#lost.size >= MAX_LOST) this.#lost.clear()
    this.#lost.set(toHex(publicKey), seq)
  }
}

function isOf(list: List, parts: Omit<List, 'entries' | 'until'>): boolean {
  return list.peers === parts.peers && list.records === parts.records && list.own === parts.own
}
