import { createDiscovery, type DialTarget, type Discovery } from '@flatend/kademlia'
import { type Link, openChannel, type SessionLimits, sessionLimits } from '@flatend/monte'
import {
  type Authorize,
  addStats,
  type Caller,
  type Connection,
  createCaller,
  createConnection,
  createStats,
  loopback,
} from '@flatend/rpc'
import { Access } from './access.ts'
import { describe } from './describe-peer.ts'
import { type DialedLink, Dials } from './dials.ts'
import { drained } from './drain.ts'
import { type Entry, Gate } from './gate.ts'
import { KeyedCalls } from './keyed-calls.ts'
import type { MeshOptions, MeshStats } from './mesh-parts.ts'
import { MeshPeer, type Message, type PeerOrigin, type PeerOwner } from './mesh-peer.ts'
import type { CallOpener } from './outgoing-call.ts'
import { RareLog } from './rare-log.ts'
import { findAny, recordsOptions } from './records.ts'
import { Relays } from './relays.ts'
import type { Clock } from './runtime.ts'
import { streamStats } from './stream-stats.ts'
import { Surroundings } from './surroundings.ts'
import type { Endpoint } from './transport.ts'

/** Binds sessions, streams and discovery together: every connection of a node, and who offers what. */
export class Mesh implements PeerOwner {
  readonly caller: Caller
  readonly discovery: Discovery
  /** How this node finds the mesh, and is found. */
  readonly surroundings: Surroundings
  readonly #options: MeshOptions
  readonly #instance: number
  readonly #local: Connection
  readonly #peers = new Set<MeshPeer>()
  readonly #gate: Gate
  readonly #access: Access
  readonly #relays: Relays
  /** Asked for each call, where any is restricted. */
  readonly #authorize: { readonly authorize?: Authorize }
  /** Counts of the connections that are gone. */
  readonly #past = createStats()
  readonly #sessionLimits: SessionLimits
  readonly #entries = new Map<MeshPeer, Entry>()
  #stopping = false
  #onEmpty: (() => void) | undefined

  constructor(options: MeshOptions) {
    this.#options = options
    const { suite, clock, random, dispatch, defer, log, discover = createDiscovery } = options
    this.#sessionLimits = sessionLimits(options.limits.session)
    const rareLog = new RareLog(log, clock)
    const { authorize, allow, limits, onPeer = () => undefined } = options
    this.#access = new Access({ authorize, allow, log: rareLog })
    this.#gate = new Gate({ clock, log: rareLog, access: this.#access, limits: limits.admission })
    this.#authorize = this.#access.asksForCalls ? { authorize: this.#access.call } : {}
    this.#instance = new DataView(suite.randomBytes(4).slice().buffer).getUint32(0)
    this.#local = loopback({ dispatch, offers: options.offers, clock, defer })
    const dials = new Dials({
      transport: options.transport,
      clock,
      gate: this.#gate,
      open: (dialed) => this.#openDialed(dialed),
      relayed: (target, signal) => this.#relays.link(target, signal),
    })
    this.#relays = this.#createRelays(dials)
    this.discovery = discover({
      self: {
        key: options.identity.publicKey,
        ...(options.address ? { address: options.address } : {}),
      },
      network: dials,
      clock,
      random,
      seeds: options.seeds,
      services: options.services(),
      limits: options.limits.discovery ?? {},
      profile: options.profile ?? 'trusted',
      puzzles: options.puzzles ?? {},
      records: recordsOptions(suite, options.identity),
      log: (event) => this.surroundings.heard(event),
      onPeer,
    })
    this.surroundings = new Surroundings({
      ...options,
      discovery: this.discovery,
      relays: this.#relays,
      peers: this.#peers,
    })
    this.caller = this.#createCaller()
  }

  /** Peers whose session is open. */
  get peers(): ReadonlySet<MeshPeer> {
    return this.#peers
  }

  /** Counts of connections, streams and calls. */
  get stats(): MeshStats {
    return {
      connections: this.#gate.metrics,
      relay: this.#relays.metrics,
      ...streamStats(this.#past, this.#peers),
      calls: this.caller.stats,
    }
  }

  get clock(): Clock {
    return this.#options.clock
  }

  /** Addresses really bound. */
  get addresses(): readonly Endpoint[] {
    return this.#options.listeners.addresses
  }

  /** Takes a connection somebody made to us. */
  accept(link: Link): void {
    this.#accept(link, {})
  }

  /** Dials the seeds; resolves when each has answered or failed once, or the time is over. */
  async join(timeoutMs: number): Promise<void> {
    await this.surroundings.join(timeoutMs)
  }

  /** Peers that offer a service and that this node may call. */
  providersOf(service: string): readonly MeshPeer[] {
    const peers = this.discovery.providers(service) as readonly MeshPeer[]
    return peers.every(this.#mayCall) ? peers : peers.filter(this.#mayCall)
  }

  /** What a peer offers now. */
  servicesOf(peer: MeshPeer): readonly string[] {
    return this.discovery.servicesOf(peer)
  }

  /** Starts calls at this one peer, where they are allowed. */
  openerOf(peer: MeshPeer): CallOpener {
    return {
      open: (request, sink) => {
        for (const service of request.services) this.#access.expectCall(service, peer)
        return peer.connection.open(request, sink)
      },
    }
  }

  /** Tells every peer which services came and went. */
  announceServices(): void {
    this.discovery.setServices(this.#options.services())
    this.surroundings.servicesChanged()
  }

  /** Stops taking connections and calls, lets what runs finish, then closes everything. */
  async shutdown(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.#options.listeners.close()
    await this.surroundings.stop()
    this.discovery.stop()
    const connections = Array.from(this.#peers, (peer) => peer.connection)
    for (const connection of connections) connection.refuse()
    // Calls of the node to itself are part of what runs.
    await drained([this.#local, ...connections], this.#options.clock, timeoutMs)
    for (const peer of this.#peers) peer.close('shutting down')
    await this.#settled(1_000)
    for (const peer of this.#peers) peer.channel.destroy()
    this.#gate.cutOpening()
  }

  // --- PeerOwner ---

  connectionFor(peer: MeshPeer): Connection {
    const { dispatch, offers, clock, limits } = this.#options
    return createConnection({
      channel: peer.channel,
      dispatch,
      offers,
      clock,
      peer,
      ...(limits.calls === undefined ? {} : { limits: limits.calls }),
      ...this.#authorize,
    })
  }

  opened(peer: MeshPeer): void {
    this.#peers.add(peer)
    this.#options.log.info(describe(peer), 'peer connected')
    if (peer.version === 1) {
      this.#options.log.warn(
        describe(peer),
        'this peer speaks the protocol of 2020, whose encryption can be broken by who listens',
      )
    }
    this.discovery.connected(peer)
    this.surroundings.opened(peer)
    if (this.#stopping) peer.close('shutting down')
  }

  carries(peer: MeshPeer): boolean {
    return this.#relays.uses(peer)
  }

  retiring(peer: MeshPeer, onFree: () => void): void {
    this.discovery.retiring(peer)
    this.#relays.retiring(peer, onFree)
  }

  received(peer: MeshPeer, { seq, opcode, body }: Message): boolean {
    const message = { seq, opcode, body }
    // Bytes that are carried for others have limits of their own.
    if (this.#relays.receive(peer, message)) return true
    return this.discovery.receive(peer, message) || this.surroundings.receive(peer, message)
  }

  closed(peer: MeshPeer, error: Error | undefined): void {
    this.#entries.get(peer)?.closed()
    this.#entries.delete(peer)
    if (!this.#peers.delete(peer)) {
      // Of a connection that we dialed, the dialer tells.
      const { remote } = peer.channel
      if (error && peer.dialed === undefined && !this.surroundings.reachability.expects(remote))
        this.#gate.handshakeFailed(remote, error)
      return
    }
    this.surroundings.closed(peer, error)
    addStats(this.#past, peer.connection.stats)
    this.discovery.disconnected(peer)
    const fields = { ...describe(peer), ...(error ? { reason: error.message } : {}) }
    this.#options.log.info(fields, 'peer disconnected')
    if (this.#peers.size === 0) this.#onEmpty?.()
  }

  /**
   * A 2020 Go provider panics on a call from a node without identity, and a v1 identity needs an
   * address: without one no v1 peer is called (docs/protocol.md §1).
   */
  readonly #mayCall = (peer: MeshPeer): boolean =>
    peer.version === 2 || this.#options.address !== undefined

  /** Own handlers first, then the peers of the first service that has any. */
  #connectionsFor(services: readonly string[]): readonly Connection[] {
    for (const service of services) {
      if (this.#options.offers(service)) return [this.#local]
      const peers = this.providersOf(service)
      if (peers.length > 0) return peers.map((peer) => peer.connection)
    }
    return []
  }

  #accept(link: Link, origin: PeerOrigin): void {
    const entry = this.#stopping ? undefined : this.#gate.accept(link.remote)
    if (entry) this.#open({ link, role: 'listener', peer: new MeshPeer(this, origin), entry })
    else link.destroy()
  }

  #openDialed({ link, entry, target, outcome }: DialedLink): void {
    const relayed = target.relay !== undefined
    // Nobody is at a relay's address but the relay.
    const dialed = relayed ? `${target.address} (relay)` : target.address
    const peer = new MeshPeer(this, { dialed, outcome, relayed })
    this.#open({ link, role: 'dialer', peer, entry, expectedKey: target.key })
  }

  #createRelays(dials: Dials): Relays {
    const { identity, clock, defer, relay, limits } = this.#options
    const seeds = new Set(this.#options.seeds.map((seed) => addressOf(seed)))
    return new Relays({
      self: identity.publicKey,
      clock,
      defer,
      serve: relay,
      limits: limits.relay ?? {},
      peers: () => this.#peers,
      isSeed: (dialed) => seeds.has(dialed),
      connect: (target, signal) => dials.connect(target, { signal }),
      onLink: (link) => this.#accept(link, { relayed: true }),
      onChange: (relays) => this.surroundings.reachedThrough(relays),
    })
  }

  #createCaller(): Caller {
    const { discovery } = this
    const { random, clock } = this.#options
    const keyed = new KeyedCalls({ discovery, local: this.#local, mayCall: this.#mayCall })
    return createCaller({
      directory: {
        providers: (services) => this.#connectionsFor(services),
        find: (services) => findAny(services, discovery),
        keyed: (services, key) => keyed.keyed(services, key),
        findKeyed: (services, key, isEligible) => keyed.find(services, key, isEligible),
      },
      random,
      clock,
      ...this.#authorize,
    })
  }

  #open({ link, role, peer, entry, expectedKey }: OpenOptions): void {
    const { suite, identity, ephemeral, services, metadata } = this.#options
    const { clock, defer, network, networkKey, legacy } = this.#options
    const { address } = this.surroundings
    this.#entries.set(peer, entry)
    entry.carriedBy(link)
    const channel = openChannel({
      link,
      role,
      suite,
      identity,
      hello: {
        ephemeral,
        services: services(),
        metadata,
        instance: this.#instance,
        ...(address ? { address } : {}),
      },
      clock,
      defer,
      receiver: peer,
      legacy: legacy && !peer.relayed,
      authorize: entry.authorize,
      limits: this.#sessionLimits,
      ...(network === undefined ? {} : { network }),
      ...(networkKey === undefined ? {} : { networkKey }),
      ...(expectedKey === undefined ? {} : { expectedKey }),
    })
    peer.attach(channel)
  }

  /** Resolves when every peer is gone, at the latest after `timeoutMs`. */
  #settled(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.schedule(timeoutMs, resolve)
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
      if (this.#peers.size === 0) this.#onEmpty()
    })
  }
}

function addressOf(seed: string | DialTarget): string {
  return typeof seed === 'string' ? seed : seed.address
}

interface OpenOptions extends Pick<DialedLink, 'link' | 'entry'> {
  readonly role: 'dialer' | 'listener'
  readonly peer: MeshPeer
  readonly expectedKey?: Uint8Array | undefined
}
