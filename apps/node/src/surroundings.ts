import {
  DialBack,
  type DialTarget,
  type Discovery,
  type DiscoveryEvent,
  type IncomingMessage,
  Reachability,
  type RecordAddress,
} from '@flatend/kademlia'
import type { Identity, Suite } from '@flatend/monte'
import { Lan } from './lan/lan.ts'
import type { LanOptions } from './lan/lan-options.ts'
import type { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import type { MeshPeer } from './mesh-peer.ts'
import type { PeerCache } from './peer-cache.ts'
import { PeerMemory } from './peer-memory.ts'
import { createProver } from './prove.ts'
import { isTellable, logReachability } from './reachable.ts'
import type { Relays } from './relays.ts'
import type { Clock } from './runtime.ts'
import { SeedLog } from './seed-log.ts'
import type { Address, Endpoint, Transport } from './transport.ts'

/** What {@link Surroundings} work with. */
export interface SurroundingsContext {
  readonly suite: Suite
  readonly identity: Identity
  readonly clock: Clock
  readonly random: () => number
  readonly defer: (task: () => void) => void
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly transport: Transport
  readonly listeners: Listeners
  /** Where others were told to dial this node, if anywhere. */
  readonly address: Address | undefined
  readonly seeds: readonly (string | DialTarget)[]
  readonly peerCache?: PeerCache | undefined
  readonly lan?: LanOptions | undefined
  readonly log: Logger
  readonly discovery: Discovery
  readonly relays: Relays
  /** Names of the services this node offers, as they are now. */
  readonly services: () => readonly string[]
  readonly peers: ReadonlySet<MeshPeer>
}

/** How a node finds the mesh and is found: seeds, the nodes of its last run, and who can dial it. */
export class Surroundings {
  /** Whether others can dial this node. */
  readonly reachability: Reachability
  readonly #context: SurroundingsContext
  readonly #seedLog: SeedLog
  readonly #memory: PeerMemory | undefined
  readonly #lan: Lan | undefined
  readonly #dialBack: DialBack
  #address: Address | undefined
  #relays: readonly RecordAddress[] = []
  #stopped = false

  constructor(context: SurroundingsContext) {
    const { log, clock, seeds, peerCache, peers } = context
    this.#context = context
    this.#address = context.address
    this.#seedLog = new SeedLog(
      log,
      seeds.map((seed) => (typeof seed === 'string' ? seed : seed.address)),
    )
    this.#memory =
      peerCache &&
      new PeerMemory({ ...context, cache: peerCache, wallNow, connected: () => peers.size })
    const { lan: options } = context
    this.#lan = options && new Lan({ ...context, options, bound: this.#bound })
    this.reachability = this.#createReachability()
    const prove = createProver({
      ...context,
      dial: (address, signal) => context.transport.dial(address, { signal }),
    })
    this.#dialBack = new DialBack({ clock, wallNow, prove })
  }

  /** Where hellos say that this node can be dialed. */
  get address(): Address | undefined {
    return this.#address
  }

  /** Starts discovery; resolves when whom it knows has answered or failed once, or the time is over. */
  async join(timeoutMs: number): Promise<void> {
    const { discovery, clock, seeds } = this.#context
    await this.#memory?.start()
    discovery.start()
    this.reachability.start()
    this.#seekRelays()
    await this.#lan?.start()
    if (seeds.length === 0 && !this.#memory) return
    await new Promise<void>((resolve) => {
      const timer = clock.schedule(timeoutMs, resolve)
      void discovery.ready.finally(() => {
        timer.cancel()
        return resolve()
      })
    })
  }

  /** Asks and answers nobody any more, and keeps who is known; discovery is to be stopped next. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.reachability.stop()
    this.#context.relays.stop()
    this.#dialBack.stop()
    this.#lan?.stop()
    await this.#memory?.stop()
  }

  opened(peer: MeshPeer): void {
    const { dialed } = peer
    if (dialed !== undefined) this.#seedLog.answered(dialed)
    this.reachability.peerJoined()
    this.#context.relays.opened(peer)
  }

  closed(peer: MeshPeer, error: Error | undefined): void {
    const { dialed } = peer
    if (dialed !== undefined) this.#seedLog.ended(dialed, error)
    this.#context.relays.closed(peer)
  }

  /** What this node offers changed. */
  servicesChanged(): void {
    this.#seekRelays()
  }

  /** The relays this node is reached through changed. */
  reachedThrough(relays: readonly RecordAddress[]): void {
    this.#relays = relays
    this.#tellWhereReached()
  }

  /** Returns false where the opcode is for others. */
  receive(peer: MeshPeer, message: IncomingMessage): boolean {
    return this.#dialBack.receive(peer, message)
  }

  /** Discovery told something. */
  heard(event: DiscoveryEvent): void {
    this.#context.log.debug(event, 'discovery')
    const isFailure = event.type === 'dial-failed' || event.type === 'dial-abandoned'
    if (isFailure && event.seed) this.#seedLog.failed(event)
  }

  /** The first TCP address this node takes connections on. */
  get #bound(): Endpoint | undefined {
    return this.#context.listeners.addresses.find(({ url }) => url === undefined)
  }

  /** A node that offers something and that nobody can dial is reached through relays. */
  #seekRelays(): void {
    const { address, services, relays } = this.#context
    const isDialable = address
      ? this.reachability.status.state !== 'private'
      : this.#address !== undefined
    if (!this.#stopped) relays.need(!isDialable && services().length > 0)
  }

  /** Records name the relays, and an address that a dial-back proved. */
  #tellWhereReached(): void {
    const proven = this.#context.address || !this.#address ? [] : [{ address: this.#address }]
    this.#context.discovery.setReached([...proven, ...this.#relays])
  }

  #createReachability(): Reachability {
    const { address, log, peers } = this.#context
    const reachability = new Reachability({
      ...this.#context,
      advertised: address,
      port: address?.port ?? this.#bound?.port,
      peers: () => peers,
    })
    reachability.watch((status) => {
      logReachability(log, address, status)
      // Without an address of its own a node tells the one that a dial-back proved (protocol §3).
      if (!address)
        this.#address = status.address && isTellable(status.address) ? status.address : undefined
      this.#tellWhereReached()
      this.#seekRelays()
    })
    return reachability
  }
}

function wallNow(): number {
  return Date.now()
}
