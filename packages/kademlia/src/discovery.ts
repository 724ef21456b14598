import { Connections, type Session } from './connections.ts'
import { type Contact, formatAddress, toContact } from './contact.ts'
import type { Discovery, DiscoveryOptions } from './discovery-types.ts'
import { EntryRules } from './entry-rules.ts'
import type { DiscoveryEvent, PeerChange } from './events.ts'
import { KeyedProviders, type Ranked } from './keyed-providers.ts'
import { LegacyArrivals } from './legacy-arrivals.ts'
import { DEFAULT_DISCOVERY_LIMITS, type DiscoveryLimits } from './limits.ts'
import { type LookupContext, type LookupRunOptions, nodesQuery, runLookup } from './lookup-run.ts'
import { Membership } from './membership.ts'
import { type IncomingMessage, Messages } from './messages.ts'
import { orAborted } from './or-aborted.ts'
import type { Clock, DialTarget, Peer } from './ports.ts'
import { Probes } from './probes.ts'
import { PROFILES } from './profile.ts'
import { RecentChanges } from './recent-changes.ts'
import type { RecordAddress, RecordsOptions, SignedRecord } from './record.ts'
import type { RecordStats } from './record-stats.ts'
import { Records } from './records.ts'
import { Refresh } from './refresh.ts'
import type { CallKey } from './rendezvous.ts'
import { RoundTrips } from './round-trips.ts'
import { BUCKET_SIZE, RoutingTable } from './routing-table.ts'
import { ServiceIndex } from './service-index.ts'
import { type ProvidersListener, ServiceListeners } from './service-listeners.ts'
import { SharedDials } from './shared-dials.ts'
import type { SuggestOptions } from './suggestions.ts'
import { WarmPool } from './warm-pool.ts'

/** Contacts a node that leaves names to each peer. */
const NAMED_WHEN_LEAVING = 4
const ignore = (): void => undefined

export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new MeshDiscovery(options)
}

/** Binds connections, membership, messages and lookups together. */
class MeshDiscovery implements Discovery {
  readonly table: RoutingTable
  readonly #log: (event: DiscoveryEvent) => void
  readonly #onPeer: (change: PeerChange) => void
  readonly #connections: Connections
  readonly #membership: Membership
  readonly #messages: Messages
  readonly #services = new ServiceIndex((service) => {
    this.#records?.providersChanged(service)
    this.#listeners.changed(service)
  })
  readonly #listeners = new ServiceListeners(this.#services)
  readonly #arrivals: LegacyArrivals
  #records: Records | undefined
  #keyed: KeyedProviders | undefined
  #pool: WarmPool | undefined
  readonly #lookups: LookupContext
  readonly #refresh: Refresh
  readonly #probes: Probes
  #offered: ReadonlySet<string>
  readonly #clock: Clock
  readonly #changed = new RecentChanges()
  #started = false
  #stopped = false

  constructor(options: DiscoveryOptions) {
    const { self, clock, random, seeds = [], log = ignore, onPeer = ignore } = options
    const rules = PROFILES[options.profile ?? 'trusted']
    const entry = new EntryRules(self.key, options, rules)
    const network = new SharedDials(options.network)
    const table = new RoutingTable(self.key, {
      admit: (contact) => entry.admits(contact, () => table.contacts()),
    })
    const connections = new Connections(table.self)
    const limits = { ...DEFAULT_DISCOVERY_LIMITS, ...options.limits }
    const common = { table, connections, limits, log }
    const membership = new Membership(
      { ...common, network, clock, random, mayEnter: (peer) => entry.admitsPeer(peer) },
      seeds.map((seed) => (typeof seed === 'string' ? { address: seed } : seed)),
    )
    this.table = table
    this.#log = log
    this.#onPeer = onPeer
    this.#clock = clock
    this.#connections = connections
    this.#membership = membership
    this.#offered = new Set(options.services)
    this.#arrivals = new LegacyArrivals(clock, (peer) => this.#services.add(peer, peer.services))
    this.#messages = new Messages({
      ...common,
      services: this.#services,
      onAsked: (peer) => this.#arrivals.ready(peer),
      onPeer,
      onNamed: (contacts, peer) => membership.dialAll(contacts, peer),
      clock,
    })
    this.#lookups = {
      table,
      clock,
      trips: new RoundTrips(),
      dials: new RoundTrips(),
      connection: (key) => connections.to(key)?.peer,
      connect: ({ key, address }, signal) =>
        network.connect({ address: formatAddress(address), key }, { signal }),
      failed: (key) => membership.failed(key),
      paths: rules.paths,
      admit: (target) => entry.forLookup(target),
    }
    const isConnected = (key: Uint8Array): boolean => connections.to(key) !== undefined
    const { failed } = this.#lookups
    const upkeep = { table, network, clock, random, isConnected, failed }
    this.#refresh = new Refresh({
      ...upkeep,
      intervalMs: limits.refreshMs,
      lookup: (target, own) => this.lookup(target, own),
    })
    const { probeMs: intervalMs, dialTimeoutMs: timeoutMs } = limits
    this.#probes = new Probes({ ...upkeep, intervalMs, timeoutMs })
    if (options.records) this.#useRecords({ ...options, network }, options.records, limits)
  }

  #useRecords(
    { self, network, clock, random, profile = 'trusted' }: DiscoveryOptions,
    options: RecordsOptions,
    limits: DiscoveryLimits,
  ): void {
    this.#pool = new WarmPool({
      table: this.table,
      connections: this.#connections,
      membership: this.#membership,
      limits,
      clock,
      isNeeded: (key) => this.#records?.needs(key) === true,
    })
    this.#records = new Records({
      options,
      address: self.address,
      network,
      clock,
      random,
      lookups: this.#lookups,
      services: this.#services,
      isWatched: (service) => this.#listeners.has(service),
      holders: PROFILES[profile].holders,
    })
    this.#records.setServices(this.#offered)
    this.#keyed = new KeyedProviders({
      self: self.key,
      clock,
      hash: options.hash,
      services: this.#services,
      records: this.#records.providers,
      connection: this.#lookups.connection,
      offers: (service) => this.#offered.has(service),
    })
  }

  get ready(): Promise<void> {
    return this.#membership.ready
  }

  start(): void {
    if (this.#started || this.#stopped) return
    this.#started = true
    this.#membership.start()
    this.#refresh.start()
    this.#probes.start()
    this.#pool?.start()
    void this.ready.then(() => this.#records?.start())
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#arrivals.stop()
    this.#membership.stop()
    this.#refresh.stop()
    this.#probes.stop()
    this.#pool?.stop()
    this.#records?.stop()
    const contacts = this.table.closest(this.table.self, NAMED_WHEN_LEAVING)
    for (const session of this.#connections.sessions()) this.#messages.leave(session, contacts)
  }

  connected(peer: Peer): void {
    const { session, used, replaced } = this.#connections.open(peer)
    if (replaced || !used) this.#greetKept(peer)
    if (!used) {
      this.#membership.verify(peer)
      return
    }
    if (replaced) this.#services.replace(replaced.peer, peer, session.services)
    else {
      if (!this.#arrivals.add(peer)) this.#services.add(peer, session.services)
      this.#logJoined(session)
    }
    this.#membership.learn(peer)
    if (peer.version === 2) this.#meet(session)
    if (!replaced) this.#onPeer({ type: 'peer-joined', peer })
  }

  /** Speaks with a peer for the first time over the connection that is used. */
  #meet(session: Session): void {
    const { peer } = session
    this.#announce(session, [...(peer.untold ?? []), ...this.#changed.names(this.#clock.now())])
    this.#membership.askPeers(peer)
    const { key, dialed, address } = peer
    if (key && address && this.#membership.isSeed(dialed))
      this.#refresh.through(toContact(key, address))
    this.#records?.peerJoined()
  }

  retiring(peer: Peer): void {
    const successor = this.#connections.retiring(peer)
    if (successor) this.#services.replace(peer, successor.peer, successor.services)
    else this.#services.delete(peer)
  }

  disconnected(peer: Peer): void {
    const closed = this.#connections.close(peer)
    if (closed) this.#records?.closed(closed)
    if (closed?.successor) {
      const { successor } = closed
      this.#services.replace(peer, successor.peer, successor.services)
      return
    }
    this.#arrivals.delete(peer)
    this.#services.delete(peer)
    if (!closed?.wasUsed) return
    const { session } = closed
    this.#log({ type: 'peer-left', peer: session.hex ?? 'anonymous' })
    this.#membership.lost(session)
    this.#onPeer({ type: 'peer-left', peer })
  }

  providers(service: string): readonly Peer[] {
    return this.#services.providers(service)
  }

  servicesOf(peer: Peer): readonly string[] {
    return this.#services.servicesOf(peer)
  }

  get recordStats(): Readonly<RecordStats> | undefined {
    return this.#records?.stats
  }

  async resolve(
    service: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly Peer[]> {
    const known = this.providers(service)
    if (signal.aborted) throw signal.reason
    if (known.length > 0 || !this.#records || this.#stopped) return known
    await orAborted(this.#records.resolve(service), signal)
    return this.providers(service)
  }

  keyed(service: string, key: CallKey): readonly Ranked[] | undefined {
    return this.#keyed?.ranked(service, key)
  }

  async findKeyed(
    service: string,
    key: CallKey,
    isRefused: (provider: Peer | 'self') => boolean,
  ): Promise<void> {
    if (!this.#stopped) await this.#keyed?.find(service, key, isRefused)
  }

  watch(service: string, listener: ProvidersListener): () => void {
    const end = this.#listeners.add(service, listener)
    this.#records?.watch(service)
    return end
  }

  async findRecords(service: string): Promise<readonly SignedRecord[]> {
    return (await this.#records?.find(service)) ?? []
  }

  setServices(services: readonly string[]): void {
    const before = this.#offered
    const now = new Set(services)
    const changes = [...new Set([...now, ...before])].filter(
      (service) => now.has(service) !== before.has(service),
    )
    this.#offered = now
    this.#records?.setServices(now)
    for (const service of changes) this.#changed.add(service, this.#clock.now())
    for (const session of this.#connections.sessions()) this.#announce(session, changes)
  }

  setReached(addresses: readonly RecordAddress[]): void {
    this.#records?.setReached(addresses)
  }

  receive(peer: Peer, message: IncomingMessage): boolean {
    const session = this.#connections.get(peer)
    if (!session) return false
    this.#connections.hear(session)
    return (
      this.#messages.receive(session, message) || this.#records?.receive(session, message) === true
    )
  }

  suggest(targets: readonly DialTarget[], options?: SuggestOptions): void {
    this.#membership.suggest(targets, options)
  }

  async lookup(target: Uint8Array, options: LookupRunOptions): Promise<Contact[]> {
    this.#refresh.looked(target)
    const answered = await runLookup(this.#lookups, nodesQuery(target), options)
    return answered.slice(0, BUCKET_SIZE)
  }

  /** Of two connections to a node each side ends one once it heard something over the other. */
  #greetKept({ key }: Peer): void {
    const kept = key && this.#connections.to(key)
    if (kept) this.#messages.greet(kept)
  }

  /** Tells a peer whether each of these is offered now. */
  #announce(session: Session, names: Iterable<string>): void {
    const added: string[] = []
    const removed: string[] = []
    for (const name of names) (this.#offered.has(name) ? added : removed).push(name)
    this.#messages.announce(session, added, removed)
  }

  #logJoined({ peer, hex }: Session): void {
    this.#log({ type: 'peer-joined', peer: hex ?? 'anonymous', services: peer.services })
  }
}
