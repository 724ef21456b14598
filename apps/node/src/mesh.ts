import { createDiscovery, type Discovery, type DiscoveryEvent } from '@flatend/kademlia'
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
  type Caller,
  type Connection,
  createCaller,
  createConnection,
  type Dispatch,
  loopback,
} from '@flatend/rpc'
import { formatAddress, parseAddress } from './address.ts'
import { type Entry, Gate } from './gate.ts'
import type { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import { MeshPeer, type Message, type PeerOwner } from './mesh-peer.ts'
import type { NodeLimits } from './options.ts'
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
  readonly clock: Clock
  readonly random: () => number
  /** Runs a task when the current tick's work is done. */
  readonly defer: (task: () => void) => void
  readonly dispatch: Dispatch
  /** Names of the services this node offers, as they are now. */
  readonly services: () => readonly string[]
  readonly offers: (service: string) => boolean
  readonly log: Logger
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
  readonly #sessionLimits: SessionLimits
  readonly #entries = new Map<MeshPeer, Entry>()
  #stopping = false
  #onEmpty: (() => void) | undefined

  constructor(options: MeshOptions) {
    this.#options = options
    const { suite, clock, random, dispatch, defer, log } = options
    this.#sessionLimits = sessionLimits(options.limits.session)
    this.#gate = new Gate({ clock, log, limits: options.limits.admission })
    this.#instance = new DataView(suite.randomBytes(4).slice().buffer).getUint32(0)
    this.#local = loopback({ dispatch, offers: options.offers, clock, defer })
    this.discovery = createDiscovery({
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
    })
  }

  /** Peers whose session is open. */
  get peers(): ReadonlySet<MeshPeer> {
    return this.#peers
  }

  /** Connections there are, and how many were refused. */
  get connections(): AdmissionMetrics {
    return this.#gate.metrics
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
    await this.#drain(connections, timeoutMs)
    for (const peer of this.#peers) peer.close('shutting down')
    await this.#settled(1_000)
    for (const peer of this.#peers) peer.channel.destroy()
    this.#gate.cutOpening()
  }

  // --- PeerOwner ---

  connectionFor(peer: MeshPeer): Connection {
    const { dispatch, offers, clock } = this.#options
    return createConnection({ channel: peer.channel, dispatch, offers, clock, peer })
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
    this.discovery.disconnected(peer)
    const fields = { ...describe(peer), ...(error ? { reason: error.message } : {}) }
    this.#options.log.info(fields, 'peer disconnected')
    if (this.#peers.size === 0) this.#onEmpty?.()
  }

  later(delayMs: number, task: () => void): void {
    this.#options.clock.schedule(delayMs, () => (this.#stopping ? undefined : task()))
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
    // Only a dial is given up by its signal, not the connection that came of it.
    const cut = (): void => link.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        const peer = new MeshPeer(this, target.address, { opened: resolve, failed: reject })
        const { key } = target
        this.#open({ link, role: 'dialer', peer, entry, ...(key ? { expectedKey: key } : {}) })
      })
    } finally {
      signal.removeEventListener('abort', cut)
    }
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

  /** Resolves when no connection has a call left, at the latest after `timeoutMs`. */
  #drain(connections: readonly Connection[], timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      let busy = 0
      const timer = this.#options.clock.schedule(timeoutMs, resolve)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      for (const connection of connections) {
        connection.goAway()
        if (connection.idle) continue
        busy++
        connection.onIdle = () => {
          if (--busy === 0) done()
        }
      }
      if (busy === 0) done()
    })
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

interface DialTarget {
  readonly address: string
  readonly key?: Uint8Array
}

interface OpenOptions {
  readonly link: Link
  readonly role: 'dialer' | 'listener'
  readonly peer: MeshPeer
  readonly entry: Entry
  readonly expectedKey?: Uint8Array
}

function describe(peer: MeshPeer): object {
  const { remote } = peer.channel
  return {
    peer: peer.id.toString().slice(0, 16) || 'anonymous',
    remote: remote ? formatAddress(remote) : (peer.dialed ?? 'unknown'),
    version: peer.version,
  }
}
