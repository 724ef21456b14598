import type { DialTarget, ReachabilityState } from '@flatend/kademlia'
import { nodeSuite } from '@flatend/monte/suite/node'
import type { Caller } from '@flatend/rpc'
import { formatAddress, formatEndpoint } from './address.ts'
import { NodeError } from './errors.ts'
import { createFilePeerCache } from './file-peer-cache.ts'
import { type FoundProvider, findProviders } from './find-providers.ts'
import type { HeadersInit } from './headers.ts'
import { Listeners } from './listeners.ts'
import { silentLogger } from './logger.ts'
import { Mesh } from './mesh.ts'
import type { MeshStats } from './mesh-parts.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { type NodeEvents, NodeListeners } from './node-events.ts'
import {
  advertisedAddress,
  bindAddresses,
  lanOptions,
  type NodeOptions,
  normalizeSeeds,
} from './options.ts'
import { type CallOpener, startCall } from './outgoing-call.ts'
import type { PeerCache } from './peer-cache.ts'
import { PeerId } from './peer-id.ts'
import { distinct, type PeerInfo, peerInfo } from './peer-info.ts'
import { ping } from './ping.ts'
import { Provider } from './provider.ts'
import { solvePuzzles } from './puzzles.ts'
import type { CallOptions, Reply } from './reply.ts'
import { deferToEndOfTick, LONGEST_TIMER, systemClock } from './runtime.ts'
import { generateSecretKey, publicKeyOf, seedOf } from './secret-key.ts'
import { type Handler, serveCalls } from './serve.ts'
import { loadTelemetry, type Telemetry } from './tracing/telemetry.ts'
import { type Address, createTransport, type Transport } from './transport.ts'

/** How long {@link Node.start} waits for the first answers of its seeds, in milliseconds. */
const JOIN_TIMEOUT = 2_000
/** How long {@link Node.shutdown} lets running calls finish, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000
/** Bytes of a service's name in UTF-8 (docs/protocol.md §4). */
const MAX_SERVICE_NAME = 255

/** A node of the mesh: offers functions as services and calls those of others. */
export class Node {
  /** Public key and advertised address. `toString()` gives the key in hex. */
  readonly id: PeerId
  readonly #mesh: Mesh
  readonly #handlers: Map<string, Handler>
  readonly #events: NodeListeners
  readonly #timeoutMs: number | undefined
  readonly #opener: CallOpener
  /** Keeps the process alive while the node runs, even with no connection open. */
  readonly #keepAlive: NodeJS.Timeout
  #shutdown: Promise<void> | undefined

  private constructor({
    id,
    seed,
    handlers,
    listeners,
    seeds,
    transport,
    options,
    telemetry,
  }: NodeParts) {
    const suite = options.suite ?? nodeSuite
    const log = options.logger ?? silentLogger
    const solution = solvePuzzles(id.publicKey, options.puzzles, suite)
    this.id = id
    this.#handlers = handlers
    this.#timeoutMs = options.timeoutMs
    this.#events = new NodeListeners(log)
    this.#mesh = new Mesh({
      suite,
      identity: suite.identity(seed),
      ephemeral: options.secretKey === undefined,
      address: addressOf(id),
      seeds,
      listeners,
      transport,
      legacy: options.legacy ?? false,
      network: options.network,
      networkKey: options.networkKey,
      limits: options.limits ?? {},
      relay: options.relay ?? addressOf(id) !== undefined,
      authorize: options.authorize,
      allow: options.allow,
      profile: options.profile,
      puzzles: options.puzzles,
      metadata: [...Object.entries(options.metadata ?? {}).flat(), ...solution],
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      defer: options.defer ?? deferToEndOfTick,
      dispatch: serveCalls({
        find: (service) => handlers.get(service),
        call: (service, body, rest) => this.#call(service, body, rest),
        idOf: (peer) => (peer as MeshPeer | undefined)?.id ?? id,
        log,
        telemetry,
      }),
      services: () => [...handlers.keys()],
      offers: (service) => handlers.has(service),
      peerCache: peerCacheOf(options),
      lan: lanOptions(options),
      log,
      onPeer: (change) => this.#events.tell(change, (peer) => this.#infoOf(peer)),
    })
    this.#opener = telemetry ? telemetry.caller(this.#mesh.caller) : this.#mesh.caller
    this.#keepAlive = setInterval(() => undefined, LONGEST_TIMER)
  }

  /**
   * Starts a node: listens on `bindAddrs`, joins through `addrs`, offers `services`. Seeds that are
   * down do not fail the start; they are tried for ever.
   * @throws NodeError where an option is wrong; the system's error where an address is taken.
   */
  static async start(options: NodeOptions = {}): Promise<Node> {
    const seeds = normalizeSeeds(options.addrs ?? [])
    const seed = seedOf(options.secretKey ?? generateSecretKey())
    const handlers = handlersOf(options.services)
    const transport = options.transport ?? transportFor(options)
    const listeners = new Listeners(transport, options.logger)
    try {
      await listeners.open(bindAddresses(options))
      const address = await advertisedAddress(options, listeners.addresses)
      const id = new PeerId(publicKeyOf(seed), address)
      const telemetry = await loadTelemetry(options.telemetry, options.logger)
      const parts = { id, seed, handlers, listeners, seeds, transport, options, telemetry }
      const node = new Node(parts)
      listeners.deliver((link) => node.#mesh.accept(link))
      await node.#mesh.join(options.joinTimeoutMs ?? JOIN_TIMEOUT)
      return node
    } catch (error) {
      listeners.close()
      throw error
    }
  }

  /** `host:port` that this node advertises, or `undefined` where nobody can dial it. */
  get address(): string | undefined {
    const { address } = this.#mesh.surroundings
    return address && formatAddress(address)
  }

  /** Addresses this node takes connections on, as really bound. */
  get listening(): readonly string[] {
    return this.#mesh.addresses.map(formatEndpoint)
  }

  /**
   * Whether others can dial this node, as far as peers that dialed it back can tell: `private` where
   * they cannot, and where it takes no connections.
   */
  get reachability(): ReachabilityState {
    return this.#mesh.surroundings.reachability.status.state
  }

  /** `host:port` at which a peer dialed this node back, or `undefined`. */
  get reachableAddress(): string | undefined {
    const { address } = this.#mesh.surroundings.reachability.status
    return address && formatAddress(address)
  }

  /** Asks peers now to dial this node back; resolves with {@link Node.reachability}. */
  async checkReachability(): Promise<ReachabilityState> {
    this.#expectRunning()
    return (await this.#mesh.surroundings.reachability.check()).state
  }

  /**
   * Tells `listener` each time {@link Node.reachability} or the address changes. What it throws is
   * logged. Returns how to end it.
   */
  onReachability(listener: (state: ReachabilityState) => void): () => void {
    const tell = this.#events.guarded('reachability', listener)
    return this.#mesh.surroundings.reachability.watch(({ state }) => tell(state))
  }

  /**
   * Calls a service: one of this node, else that of the peer with the least to do.
   * @param service - its name, or several in order of preference
   * @param body - text, bytes, a stream or async iterable of them, or anything JSON can say
   * @throws CallError with a `kind` and `code` where no provider is known, or the call fails before
   * its answer begins; later failures surface where the body is read.
   */
  call(
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> {
    return this.#shutdown ? Promise.reject(shutDown()) : this.#call(service, body, options)
  }

  /** Handlers may still call while a shutdown waits for them. */
  #call(
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> {
    const services = typeof service === 'string' ? [service] : service
    return startCall(this.#opener, { services, body, timeoutMs: this.#timeoutMs }, options)
  }

  /** The 2020 form of {@link Node.call}. */
  push(services: readonly string[], headers: HeadersInit, body: unknown): Promise<Reply> {
    return this.call(services, body, { headers })
  }

  /** Connected nodes that offer one of the services. */
  providersFor(services: readonly string[]): Provider[] {
    const seen = new Set<MeshPeer>()
    for (const service of services)
      for (const peer of this.#mesh.providersOf(service)) seen.add(peer)
    return this.#providers(seen)
  }

  #providers(peers: Iterable<MeshPeer>): Provider[] {
    return Array.from(peers, (peer) => new Provider(peer, this.#mesh, this.#timeoutMs))
  }

  /**
   * Finds nodes that offer a service, also beyond those connected, and connects some.
   * @returns none where there are none
   * @throws the signal's reason where that comes first
   */
  async resolve(
    service: string,
    { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Provider[]> {
    this.#expectRunning()
    await this.#mesh.discovery.resolve(service, { signal })
    return this.#providers(this.#mesh.providersOf(service))
  }

  /** All nodes that offer a service, by their records, connected or not; this one is left out. */
  async find(service: string): Promise<FoundProvider[]> {
    this.#expectRunning()
    const connected = (): readonly MeshPeer[] => this.#mesh.providersOf(service)
    const found = await findProviders(service, this.#mesh.discovery, connected)
    return found.filter(({ id }) => id.toString() !== this.id.toString())
  }

  /**
   * Round trip to a connected node in milliseconds; nothing where it does not answer, is not
   * connected, or speaks the protocol of 2020.
   */
  async ping(id: PeerId | string): Promise<number | undefined> {
    this.#expectRunning()
    const key = id.toString()
    const peer = [...this.#mesh.peers].find((one) => one.id.toString() === key)
    return peer?.version === 2 ? await ping(peer, this.#mesh.clock) : undefined
  }

  /**
   * Tells which connected nodes offer a service, each time that changes, and keeps looking for some
   * while there are none. What the listener throws is logged. Returns how to end it.
   */
  watch(service: string, listener: (providers: Provider[]) => void): () => void {
    this.#expectRunning()
    const tell = this.#events.guarded(`providers of ${service}`, listener)
    return this.#mesh.discovery.watch(service, () =>
      tell(this.#providers(this.#mesh.providersOf(service))),
    )
  }

  /**
   * Offers a function as a service, at once and to all peers; replaces one of the same name.
   * @throws NodeError `FLATEND_NODE_SERVICE_NAME` where the name is empty or over 255 bytes.
   */
  register(name: string, handler: Handler): void {
    this.#expectRunning()
    checkService(name, handler)
    this.#handlers.set(name, handler)
    this.#mesh.announceServices()
  }

  /** Takes a service away; calls that run finish. Returns whether it was there. */
  unregister(name: string): boolean {
    const was = this.#handlers.delete(name)
    if (was) this.#mesh.announceServices()
    return was
  }

  /** Names of the services this node offers. */
  services(): string[] {
    return [...this.#handlers.keys()]
  }

  /** The nodes this one is connected to, each once. */
  peers(): PeerInfo[] {
    return Array.from(distinct(this.#mesh.peers), (peer) => this.#infoOf(peer))
  }

  #infoOf(peer: MeshPeer): PeerInfo {
    return peerInfo(peer, this.#mesh.servicesOf(peer))
  }

  /**
   * Hears of nodes that join, leave, or offer something else, from now on and as it happens; those
   * connected already are in {@link Node.peers}. What a listener throws is logged.
   * @returns how to end it
   */
  on<T extends keyof NodeEvents>(type: T, listener: (event: NodeEvents[T]) => void): () => void {
    return this.#events.add(type, listener)
  }

  /** Connections there are, and counts of what happened since the start, as plain numbers. */
  stats(): MeshStats {
    return this.#mesh.stats
  }

  /**
   * Leaves the mesh: takes no more calls, lets those that run finish, closes every connection.
   * @param options.timeoutMs - most time for running calls, in milliseconds. @default 10_000
   */
  shutdown({ timeoutMs = SHUTDOWN_TIMEOUT }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#shutdown ??= this.#mesh.shutdown(timeoutMs).finally(() => clearInterval(this.#keepAlive))
    return this.#shutdown
  }

  /** Calls as the layers below make them, without promises: what a gateway is built on. */
  get caller(): Caller {
    return this.#mesh.caller
  }

  #expectRunning(): void {
    if (this.#shutdown) throw shutDown()
  }
}

function shutDown(): NodeError {
  return new NodeError('FLATEND_NODE_SHUT_DOWN', 'this node was shut down: start another')
}

interface NodeParts {
  readonly id: PeerId
  readonly seed: Uint8Array
  readonly handlers: Map<string, Handler>
  readonly listeners: Listeners
  readonly seeds: readonly DialTarget[]
  readonly transport: Transport
  readonly options: NodeOptions
  readonly telemetry: Telemetry | undefined
}

function transportFor({ webOrigins = [], limits }: NodeOptions): Transport {
  return createTransport({ webOrigins, limits: limits?.admission ?? {} })
}

function peerCacheOf({ peerCache, logger = silentLogger }: NodeOptions): PeerCache | undefined {
  if (typeof peerCache !== 'string') return peerCache
  return createFilePeerCache({ path: peerCache, log: logger })
}

function addressOf({ host, port }: PeerId): Address | undefined {
  return host === undefined || port === undefined ? undefined : { host, port }
}

function handlersOf(services: NodeOptions['services'] = {}): Map<string, Handler> {
  const entries = services instanceof Map ? services.entries() : Object.entries(services)
  const handlers = new Map<string, Handler>()
  for (const [name, handler] of entries) {
    checkService(name, handler)
    handlers.set(name, handler)
  }
  return handlers
}

function checkService(name: string, handler: Handler): void {
  if (typeof handler !== 'function') {
    throw new NodeError('FLATEND_NODE_HANDLER', `the handler of service "${name}" is no function`)
  }
  const length = Buffer.byteLength(name)
  if (length > 0 && length <= MAX_SERVICE_NAME) return
  throw new NodeError(
    'FLATEND_NODE_SERVICE_NAME',
    `a service's name has 1 to ${MAX_SERVICE_NAME} bytes, "${name.slice(0, 40)}" has ${length}`,
  )
}
