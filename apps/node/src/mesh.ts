import {
  createDiscovery,
  type DialTarget,
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
} from '@flatend/kademlia'
import {
  type AdmissionMetrics,
  type Identity,
  type Link,
  openChannel,
  type SessionLimits,
  type Suite,
  sessionLimits,
} from '@flatend/monte'
import {
  type Authorize,
  addStats,
  type Caller,
  type CallerStats,
  type Connection,
  createCaller,
  createConnection,
  createStats,
  type Dispatch,
  loopback,
  type RpcStats,
} from '@flatend/rpc'
import { Access, type AllowList, type AuthorizePeer } from './access.ts'
import { parseAddress } from './address.ts'
import { describe } from './describe-peer.ts'
import { dialing } from './dialing.ts'
import { drained } from './drain.ts'
import { type Entry, Gate } from './gate.ts'
import type { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import { type DialOutcome, MeshPeer, type Message, type PeerOwner } from './mesh-peer.ts'
import type { NodeLimits } from './options.ts'
import type { CallOpener } from './outgoing-call.ts'
import { RareLog } from './rare-log.ts'
import { findAny, recordsOptions } from './records.ts'
import type { Clock } from './runtime.ts'
import type { Address, Endpoint, Transport } from './transport.ts'

/** What a mesh is made of. */
export interface MeshOptions {
  readonly suite: Suite
  readonly identity: Identity
  /** The key was made for this process alone. */
  readonly ephemeral: boolean
  /** Address others may dial, where there is one. */
  readonly address: Address | undefined
  readonly seeds: readonly string[]
  readonly transport: Transport
  /** Open already; their links come to {@link Mesh.accept}. */
  readonly listeners: Listeners
  readonly legacy: boolean
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly metadata: readonly string[]
  readonly limits: NodeLimits
  readonly authorize: AuthorizePeer | undefined
  readonly allow: AllowList | undefined
  readonly clock: Clock
  readonly random: () => number
  /** Runs a task when the current tick's work is done. */
  readonly defer: (task: () => void) => void
  readonly dispatch: Dispatch
  /** Names of the services this node offers, as they are now. */
  readonly services: () => readonly string[]
  readonly offers: (service: string) => boolean
  readonly log: Logger
  /** Who keeps the node connected. @default createDiscovery */
  readonly discover?: (options: DiscoveryOptions) => Discovery
}

/** What happened so far: numbers that only grow, but for those of `connections` that say what is. */
export interface MeshStats {
  /** Connections there are, and those refused, by the limit that was reached. */
  readonly connections: AdmissionMetrics
  /** Calls over all connections, and what peers did wrong. */
  readonly streams: Readonly<RpcStats>
  /** Calls of this node, its own services included. */
  readonly calls: Readonly<CallerStats>
}

/** Binds sessions, streams and discovery together: every connection of a node, and who offers what. */
export class Mesh implements PeerOwner {
  readonly caller: Caller
  readonly discovery: Discovery
  readonly #options: MeshOptions
  readonly #instance: number
  readonly #local: Connection
  readonly #peers = new Set<MeshPeer>()
  readonly #gate: Gate
  readonly #access: Access
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
    const { authorize, allow, limits } = options
    this.#access = new Access({ authorize, allow, log: rareLog })
    this.#gate = new Gate({ clock, log: rareLog, access: this.#access, limits: limits.admission })
    this.#authorize = this.#access.asksForCalls ? { authorize: this.#access.call } : {}
    this.#instance = new DataView(suite.randomBytes(4).slice().buffer).getUint32(0)
    this.#local = loopback({ dispatch, offers: options.offers, clock, defer })
    this.discovery = discover({
      self: {
        key: options.identity.publicKey,
        ...(options.address ? { address: options.address } : {}),
      },
      network: { connect: (target, { signal }) => this.#connect(target, signal) },
      clock,
      random,
      seeds: options.seeds,
      services: options.services(),
      limits: options.limits.discovery ?? {},
      records: recordsOptions(suite, options.identity),
      log: (event) => this.#logDiscovery(event),
    })
    this.caller = createCaller({
      directory: {
        providers: (services) => this.#connectionsFor(services),
        find: (services) => findAny(services, this.discovery),
      },
      random,
      clock,
      ...this.#authorize,
    })
  }

  /** Peers whose session is open. */
  get peers(): ReadonlySet<MeshPeer> {
    return this.#peers
  }

  /** Counts of connections, streams and calls. */
  get stats(): MeshStats {
    const streams = createStats()
    addStats(streams, this.#past)
    for (const peer of this.#peers) addStats(streams, peer.connection.stats)
    return { connections: this.#gate.metrics, streams, calls: this.caller.stats }
  }

  /** Addresses really bound. */
  get addresses(): readonly Endpoint[] {
    return this.#options.listeners.addresses
  }

  /** Takes a connection somebody made to us. */
  accept(link: Link): void {
    const entry = this.#stopping ? undefined : this.#gate.accept(link.remote)
    if (entry) this.#open({ link, role: 'listener', peer: new MeshPeer(this, undefined), entry })
    else link.destroy()
  }

  /** Dials the seeds; resolves when each has answered or failed once, or the time is over. */
  join(timeoutMs: number): Promise<void> {
    this.discovery.start()
    return new Promise((resolve) => {
      if (this.#options.seeds.length === 0) resolve()
      else {
        const timer = this.#options.clock.schedule(timeoutMs, resolve)
        void this.discovery.ready.finally(() => {
          timer.cancel()
          return resolve()
        })
      }
    })
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
  }

  /** Stops taking connections and calls, lets what runs finish, then closes everything. */
  async shutdown(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.#options.listeners.close()
    this.discovery.stop()
    const connections = [this.#local, ...Array.from(this.#peers, (peer) => peer.connection)]
    await drained(connections, this.#options.clock, timeoutMs)
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
    if (this.#stopping) peer.close('shutting down')
  }

  received(peer: MeshPeer, { seq, opcode, body }: Message): boolean {
    return this.discovery.receive(peer, { seq, opcode, body })
  }

  closed(peer: MeshPeer, error: Error | undefined): void {
    this.#entries.get(peer)?.closed()
    this.#entries.delete(peer)
    if (!this.#peers.delete(peer)) {
      // Of a connection that we dialed, the dialer tells.
      if (error && peer.dialed === undefined) this.#gate.handshakeFailed(peer.channel.remote, error)
      return
    }
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

  async #connect(target: DialTarget, signal: AbortSignal): Promise<MeshPeer> {
    const entry = this.#gate.dial()
    const link = await this.#dial(target.address, signal).catch((error: unknown) => {
      entry.closed()
      throw error
    })
    const open = (outcome: DialOutcome): void => {
      const peer = new MeshPeer(this, target.address, outcome)
      const { key } = target
      this.#open({ link, role: 'dialer', peer, entry, ...(key ? { expectedKey: key } : {}) })
    }
    return await dialing({ link, signal, open })
  }

  async #dial(address: string, signal: AbortSignal): Promise<Link> {
    return await this.#options.transport.dial(parseAddress(address, 'peer'), { signal })
  }

  #open({ link, role, peer, entry, expectedKey }: OpenOptions): void {
    const { suite, identity, ephemeral, address, services, metadata } = this.#options
    const { clock, defer, network, networkKey, legacy } = this.#options
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
      legacy,
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

  #logDiscovery(event: DiscoveryEvent): void {
    this.#options.log.debug(event, 'discovery')
  }
}

interface OpenOptions {
  readonly link: Link
  readonly role: 'dialer' | 'listener'
  readonly peer: MeshPeer
  readonly entry: Entry
  readonly expectedKey?: Uint8Array
}
