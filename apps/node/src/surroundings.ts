import {
  DialBack,
  type DialTarget,
  type Discovery,
  type DiscoveryEvent,
  type IncomingMessage,
  Reachability,
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
    this.reachability.stop()
    this.#dialBack.stop()
    this.#lan?.stop()
    await this.#memory?.stop()
  }

  opened({ dialed }: MeshPeer): void {
    if (dialed !== undefined) this.#seedLog.answered(dialed)
    this.reachability.peerJoined()
  }

  closed({ dialed }: MeshPeer, error: Error | undefined): void {
    if (dialed !== undefined) this.#seedLog.ended(dialed, error)
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
      const proven = status.address
      if (address) return
      this.#address = proven && isTellable(proven) ? proven : undefined
      if (this.#address) this.#context.discovery.setAddress(this.#address)
    })
    return reachability
  }
}

function wallNow(): number {
  return Date.now()
}
