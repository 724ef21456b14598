import { Connections, type Session } from './connections.ts'
import type { Address, Contact } from './contact.ts'
import { formatAddress, toContact } from './contact.ts'
import type { DiscoveryEvent } from './events.ts'
import { DEFAULT_DISCOVERY_LIMITS, type DiscoveryLimits } from './limits.ts'
import { type LookupContext, type LookupRunOptions, runLookup } from './lookup-run.ts'
import { Membership } from './membership.ts'
import { type IncomingMessage, Messages } from './messages.ts'
import type { Clock, Network, Peer } from './ports.ts'
import { Probes } from './probes.ts'
import { RecentChanges } from './recent-changes.ts'
import { Refresh } from './refresh.ts'
import { RoundTrips } from './round-trips.ts'
import { RoutingTable } from './routing-table.ts'
import { ServiceIndex } from './service-index.ts'

/** Contacts a node that leaves names to each peer. */
const NAMED_WHEN_LEAVING = 4

/** Options of {@link createDiscovery}. */
export interface DiscoveryOptions {
  readonly self: { readonly key: Uint8Array; readonly address?: Address }
  readonly network: Network
  readonly clock: Clock
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** `host:port` of nodes to join through. */
  readonly seeds?: readonly string[]
  /** Services offered at the start, which every hello names. */
  readonly services?: readonly string[]
  readonly limits?: Partial<DiscoveryLimits>
  readonly log?: (event: DiscoveryEvent) => void
}

/** Knows which nodes there are, keeps connected to them, and which of them offer what. */
export interface Discovery {
  readonly table: RoutingTable
  /** Resolves when each seed was dialed once, and the peers these named too. */
  readonly ready: Promise<void>
  start(): void
  /** Says goodbye and dials nobody any more. */
  stop(): void
  /** A session opened. */
  connected(peer: Peer): void
  /** It ended. */
  disconnected(peer: Peer): void
  /**
   * A message of a peer. Returns false where its opcode is not of this layer.
   * @throws RemoteProtocolError where the peer broke the rules: end the connection
   */
  receive(peer: Peer, message: IncomingMessage): boolean
  /** Peers that offer a service; the list is replaced, never changed. */
  providers(service: string): readonly Peer[]
  servicesOf(peer: Peer): readonly string[]
  /** What this node offers now; peers are told what changed. */
  setServices(services: readonly string[]): void
  /** The nodes nearest to a target that answered. */
  lookup(target: Uint8Array, options: LookupRunOptions): Promise<Contact[]>
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new MeshDiscovery(options)
}

/** Binds connections, membership, messages and lookups together. */
class MeshDiscovery implements Discovery {
  readonly table: RoutingTable
  readonly #log: (event: DiscoveryEvent) => void
  readonly #connections: Connections
  readonly #membership: Membership
  readonly #messages: Messages
  readonly #services = new ServiceIndex()
  readonly #lookups: LookupContext
  readonly #refresh: Refresh
  readonly #probes: Probes
  #offered: ReadonlySet<string>
  readonly #clock: Clock
  readonly #changed = new RecentChanges()
  #started = false
  #stopped = false

  constructor(options: DiscoveryOptions) {
    const { self, network, clock, random, seeds = [], log = () => undefined } = options
    const table = new RoutingTable(self.key)
    const connections = new Connections(table.self)
    const limits = { ...DEFAULT_DISCOVERY_LIMITS, ...options.limits }
    const common = { table, connections, limits, log }
    const membership = new Membership({ ...common, network, clock, random }, seeds)
    this.table = table
    this.#log = log
    this.#clock = clock
    this.#connections = connections
    this.#membership = membership
    this.#offered = new Set(options.services)
    this.#messages = new Messages({
      ...common,
      services: this.#services,
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
    }
    this.#refresh = new Refresh({
      table,
      clock,
      random,
      intervalMs: limits.refreshMs,
      lookup: (target, own) => this.lookup(target, own),
      isConnected: (key) => connections.to(key) !== undefined,
    })
    this.#probes = new Probes({
      table,
      network,
      clock,
      random,
      intervalMs: limits.probeMs,
      timeoutMs: limits.dialTimeoutMs,
      isConnected: (key) => connections.to(key) !== undefined,
      failed: (key) => membership.failed(key),
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
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#membership.stop()
    this.#refresh.stop()
    this.#probes.stop()
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
    if (replaced) this.#services.delete(replaced.peer)
    this.#services.add(peer, session.services)
    if (!replaced) this.#logJoined(session)
    this.#membership.learn(peer)
    if (peer.version !== 2) return
    this.#announce(session, [...(peer.untold ?? []), ...this.#changed.names(this.#clock.now())])
    this.#membership.askPeers(peer)
    const { key, dialed, address } = peer
    if (key && address && this.#membership.isSeed(dialed))
      this.#refresh.through(toContact(key, address))
  }

  disconnected(peer: Peer): void {
    const closed = this.#connections.close(peer)
    this.#services.delete(peer)
    if (!closed?.wasUsed) return
    const { session, successor } = closed
    if (successor) {
      this.#services.add(successor.peer, successor.services)
      return
    }
    this.#log({ type: 'peer-left', peer: session.hex ?? 'anonymous' })
    this.#membership.lost(session)
  }

  providers(service: string): readonly Peer[] {
    return this.#services.providers(service)
  }

  servicesOf(peer: Peer): readonly string[] {
    return this.#services.servicesOf(peer)
  }

  setServices(services: readonly string[]): void {
    const before = this.#offered
    const now = new Set(services)
    const changes = [...new Set([...now, ...before])].filter(
      (service) => now.has(service) !== before.has(service),
    )
    this.#offered = now
    for (const service of changes) this.#changed.add(service, this.#clock.now())
    for (const session of this.#connections.sessions()) this.#announce(session, changes)
  }

  receive(peer: Peer, message: IncomingMessage): boolean {
    const session = this.#connections.get(peer)
    if (!session) return false
    this.#connections.hear(session)
    return this.#messages.receive(session, message)
  }

  lookup(target: Uint8Array, options: LookupRunOptions): Promise<Contact[]> {
    this.#refresh.looked(target)
    return runLookup(this.#lookups, target, options)
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
