import { TokenBucket } from '@flatend/wire'
import { DOWN_HINT } from './codec.ts'
import { sameKey, toHex } from './id.ts'
import type { Clock, Peer, Timer } from './ports.ts'
import type { Reach } from './reach.ts'
import {
  type RecordsOptions,
  type SignedRecord,
  serviceKey,
  tryReadRecord,
  verifyRecord,
} from './record.ts'
import { writeDownHint } from './record-codec.ts'
import { addressesOf } from './record-holder.ts'
import type { RecordStats } from './record-stats.ts'
import { endOf, type RecordStore } from './record-store.ts'
import { ServiceCache } from './service-cache.ts'
import type { ServiceIndex } from './service-index.ts'
import { ServiceWatches } from './service-watches.ts'
import type { FoundRecords } from './value-lookup.ts'

/** Providers dialed at a time. */
const DIALED = 3
/** Who did not answer is left alone for so long, in milliseconds (discovery §4). */
const SKIP = 30_000
const MAX_SKIPPED = 4_096
/** A service is in use for so long after somebody wanted it, in milliseconds. */
const IN_USE = 300_000
/** Services that are remembered. */
const MAX_SERVICES = 4_096
/** How often watches are renewed and what nobody uses is forgotten, in milliseconds. */
const TIDY = 15_000
/** Hints told in a second (discovery §3). */
const HINTS = 10

/** What {@link Resolver} works with. */
export interface ResolverContext {
  readonly options: RecordsOptions
  readonly self: Uint8Array
  /** What is kept here is as good as what any one holder says. */
  readonly trustsOwn: boolean
  readonly clock: Clock
  readonly random: () => number
  readonly stats: RecordStats
  readonly services: ServiceIndex
  readonly store: RecordStore
  readonly reach: Reach
  readonly connection: (key: Uint8Array) => Peer | undefined
  /** Looks for that many records of a key. */
  readonly find: (key: Uint8Array, want: number) => Promise<FoundRecords>
}

/** Finds providers by their records and connects them: the order of discovery §4 from its third step on. */
export class Resolver {
  readonly #context: ResolverContext
  readonly #watches: ServiceWatches
  readonly #services = new Map<string, ServiceCache>()
  /** Services by the hex of their key. */
  readonly #keys = new Map<string, ServiceCache>()
  /** What is being found out, for all who wait. */
  readonly #finding = new Map<ServiceCache, Promise<void>>()
  readonly #surveying = new Map<ServiceCache, Promise<unknown>>()
  /** Providers that did not answer, until when they are left alone. */
  readonly #skipped = new Map<string, number>()
  readonly #hints: TokenBucket
  /** Services somebody listens to: in use until they do no more. */
  readonly #isWatched: (service: string) => boolean
  #timer: Timer | undefined

  constructor(context: ResolverContext, isWatched: (service: string) => boolean) {
    this.#context = context
    this.#isWatched = isWatched
    this.#watches = new ServiceWatches(context.reach, context.clock)
    this.#hints = new TokenBucket({ perSecond: HINTS, burst: HINTS }, context.clock.now())
  }

  get stopped(): boolean {
    return this.#context.reach.stopped
  }

  /** Connects some providers, where there are any; never rejects. */
  resolve(service: string): Promise<void> {
    const now = this.#context.clock.now()
    const cache = this.#use(service, now)
    const known = this.#finding.get(cache)
    if (known) return known
    if (cache.isMissing(now)) return Promise.resolve()
    const finding = this.#find(cache).finally(() => this.#finding.delete(cache))
    this.#finding.set(cache, finding)
    return finding
  }

  /** Somebody listens to it from now on. */
  watch(service: string): void {
    const cache = this.#use(service, this.#context.clock.now())
    if (!this.#isOffered(cache)) void this.resolve(service)
    void this.#survey(cache)
  }

  /** Records of a service whose nearest nodes were asked for all they have; nothing before that. */
  known(service: string): readonly SignedRecord[] | undefined {
    const { clock, options } = this.#context
    const cache = this.#services.get(service)
    if (!cache || cache.surveyedAt === Number.NEGATIVE_INFINITY) return undefined
    cache.usedAt = clock.now()
    return cache.candidates(options.wallNow())
  }

  /** Asks the nearest nodes for all they have, unless that was done; never rejects. */
  async survey(service: string): Promise<void> {
    if (this.known(service) !== undefined) return
    const { clock } = this.#context
    const cache = this.#use(service, clock.now())
    await this.#survey(cache)
    // Where nobody answered, what is known is what there is.
    if (cache.surveyedAt === Number.NEGATIVE_INFINITY) cache.surveyedAt = clock.now()
  }

  /** Dials a provider; resolves with whether it is connected now and offers the service. */
  async connectTo(service: string, record: SignedRecord): Promise<boolean> {
    return await this.#dial(this.#use(service, this.#context.clock.now()), record)
  }

  /** A peer offers it: that nobody does is wrong now. */
  offered(service: string): void {
    this.#services.get(service)?.offered()
  }

  /** A holder tells of records that changed. */
  onEvent(peer: Peer, key: Uint8Array, records: readonly Uint8Array[]): void {
    const { stats } = this.#context
    const cache = this.#keys.get(toHex(key))
    if (!cache || !this.#watches.has(key, peer)) {
      stats.unexpectedEvents++
      return
    }
    let isNews = false
    for (const bytes of records) {
      const record = tryReadRecord(bytes)
      if (record && this.#isGood(record, key)) isNews = this.#merge(cache, record) || isNews
      else stats.invalid++
    }
    if (isNews) this.#onNews(cache)
  }

  /** Somebody put a valid record here. */
  onStored(record: SignedRecord): void {
    const cache = this.#keys.get(toHex(record.key))
    if (cache && this.#merge(cache, record)) this.#onNews(cache)
  }

  /** The last connection to a node is gone. */
  closed(key: Uint8Array): void {
    this.#watches.closed(key)
  }

  /** Whether a node tells us of changes: the connection to it is needed. */
  needs(key: Uint8Array): boolean {
    return this.#watches.uses(key)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #onNews(cache: ServiceCache): void {
    cache.offered()
    if (this.#isWatched(cache.service) && !this.#isOffered(cache)) void this.resolve(cache.service)
  }

  async #find(cache: ServiceCache): Promise<void> {
    const { clock } = this.#context
    if (!cache.isFresh(clock.now()) && this.#candidates(cache).length > 0) void this.#survey(cache)
    if (await this.#connect(cache)) return
    // The first holder's word is enough, unless nobody it named can be reached.
    for (const want of [1, Number.POSITIVE_INFINITY]) {
      const found = await this.#look(cache, want)
      if (await this.#connect(cache)) return
      if (found === 0) break
    }
    if (!this.#isOffered(cache)) cache.missed(clock.now())
  }

  /** Asks all of the nearest in the background, while what is known is used. */
  async #survey(cache: ServiceCache): Promise<void> {
    let survey = this.#surveying.get(cache)
    if (!survey) {
      survey = this.#look(cache, Number.POSITIVE_INFINITY)
      this.#surveying.set(cache, survey)
    }
    await survey
    this.#surveying.delete(cache)
  }

  /** Returns how many records were found, old ones too. */
  async #look(cache: ServiceCache, want: number): Promise<number> {
    const { clock, find, store, options, trustsOwn } = this.#context
    const isSurvey = want === Number.POSITIVE_INFINITY
    // We may be a holder ourselves.
    const own = store.get(cache.key, want, options.wallNow()).records
    for (const record of own) this.#merge(cache, record)
    const others = own.filter(({ publicKey }) => !sameKey(publicKey, this.#context.self))
    if (trustsOwn && !isSurvey && others.length > 0) return others.length
    try {
      const { records, holders, answered } = await find(cache.key, want)
      for (const record of records) this.#merge(cache, record)
      const isWhole = isSurvey || records.length === 0
      cache.fetched(clock.now(), holders, isWhole ? answered : undefined)
      this.#watches.keep(cache.key, cache.watched)
      return records.length + others.length
    } catch {
      return others.length
    }
  }

  /** Dials providers, a few at a time, until one is there that offers the service. */
  async #connect(cache: ServiceCache): Promise<boolean> {
    const waiting = this.#candidates(cache)
    while (waiting.length > 0 && !this.#isOffered(cache)) {
      const dials = waiting.splice(0, DIALED).map((record) => this.#dial(cache, record))
      await firstTrue(dials)
    }
    return this.#isOffered(cache)
  }

  async #dial(cache: ServiceCache, record: SignedRecord): Promise<boolean> {
    const { publicKey } = record
    const { reach, services, connection, clock } = this.#context
    for (const address of addressesOf(record)) {
      await reach.to({ key: publicKey, ...address })
      const peer = connection(publicKey)
      if (peer && services.has(peer, cache.service)) return true
      if (peer || reach.stopped) break
    }
    if (this.#skipped.size >= MAX_SKIPPED) this.#skipped.clear()
    this.#skipped.set(toHex(publicKey), clock.now() + SKIP)
    if (!connection(publicKey)) this.#hint(cache, publicKey)
    return false
  }

  /** Tells the holders that a provider does not answer; they look for themselves. */
  #hint(cache: ServiceCache, publicKey: Uint8Array): void {
    const { clock, connection } = this.#context
    for (const holder of cache.holders) {
      const peer = connection(holder.key)
      if (peer?.version !== 2) continue
      if (!this.#hints.take(clock.now())) return
      peer.send(DOWN_HINT, (writer) => writeDownHint(writer, { key: cache.key, publicKey }))
    }
  }

  /** Whom to dial, at random by weight; not us, nor who did not answer a moment ago. */
  #candidates(cache: ServiceCache): SignedRecord[] {
    const { clock, self, random, options } = this.#context
    const now = clock.now()
    return cache
      .candidates(options.wallNow())
      .filter(({ publicKey }) => {
        const until = this.#skipped.get(toHex(publicKey)) ?? now
        return until <= now && !sameKey(publicKey, self)
      })
      .map((record) => ({ record, order: -Math.log(1 - random()) / Math.max(record.weight, 1e-9) }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ record }) => record)
  }

  #isOffered({ service }: ServiceCache): boolean {
    return this.#context.services.providers(service).length > 0
  }

  #isGood(record: SignedRecord, key: Uint8Array): boolean {
    const { options } = this.#context
    if (!sameKey(record.key, key) || endOf(record) <= options.wallNow()) return false
    return verifyRecord(record, options.verify)
  }

  /** Takes in a record that is valid. A provider that says something new may be there again. */
  #merge(cache: ServiceCache, record: SignedRecord): boolean {
    if (!cache.merge(record, this.#context.options.wallNow())) return false
    this.#skipped.delete(toHex(record.publicKey))
    return true
  }

  #use(service: string, now: number): ServiceCache {
    const cache = this.#services.get(service) ?? this.#create(service, now)
    cache.usedAt = now
    this.#timer ??= this.#context.clock.schedule(TIDY, () => this.#tidy())
    return cache
  }

  #create(service: string, now: number): ServiceCache {
    if (this.#services.size >= MAX_SERVICES) {
      const oldest = [...this.#services.values()].reduce((a, b) => (b.usedAt < a.usedAt ? b : a))
      this.#forget(oldest)
    }
    const cache = new ServiceCache(service, serviceKey(service, this.#context.options.hash), now)
    this.#services.set(service, cache)
    this.#keys.set(toHex(cache.key), cache)
    return cache
  }

  #forget(cache: ServiceCache): void {
    this.#watches.end(cache.key)
    this.#services.delete(cache.service)
    this.#keys.delete(toHex(cache.key))
  }

  /** Renews watches, forgets what nobody uses, and looks again for what somebody waits for. */
  #tidy(): void {
    const { clock } = this.#context
    const now = clock.now()
    for (const cache of this.#services.values()) {
      const isWatched = this.#isWatched(cache.service)
      if (!isWatched && now - cache.usedAt >= IN_USE) this.#forget(cache)
      else this.#watches.keep(cache.key, cache.watched)
      if (!isWatched) continue
      if (!this.#isOffered(cache)) void this.resolve(cache.service)
      if (now - cache.surveyedAt >= IN_USE) void this.#survey(cache)
    }
    for (const [key, until] of this.#skipped) if (until <= now) this.#skipped.delete(key)
    this.#timer = undefined
    if (this.#services.size > 0) this.#timer = clock.schedule(TIDY, () => this.#tidy())
  }
}

/** Resolves when one of these gives true, or all are done. */
function firstTrue(tasks: readonly Promise<boolean>[]): Promise<void> {
  return new Promise((resolve) => {
    let left = tasks.length
    const settle = async (task: Promise<boolean>): Promise<void> => {
      if ((await task) || --left === 0) resolve()
    }
    for (const task of tasks) void settle(task)
  })
}
