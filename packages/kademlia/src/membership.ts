import { PEERS, readPeersPage, STATUS_OK } from './codec.ts'
import type { Connections, Session } from './connections.ts'
import { type Contact, formatAddress, isDialable, toContact } from './contact.ts'
import { Dialer, type DialerContext } from './dialer.ts'
import type { DiscoveryEvent } from './events.ts'
import { sameKey } from './id.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { Clock, Network, Peer, Timer } from './ports.ts'
import type { RoutingTable } from './routing-table.ts'

/** Questions for peers after the start, in milliseconds; then every REFRESH. */
const EARLY_REFRESHES = [250, 1_000, 3_000]
const REFRESH = 30_000
/** Pages of PEERS read of one peer: enough for all that are ever dialed. */
const MAX_PAGES = 4

/** What {@link Membership} works with. */
export interface MembershipContext {
  readonly table: RoutingTable
  readonly connections: Connections
  readonly network: Network
  readonly clock: Clock
  readonly random: () => number
  readonly limits: DiscoveryLimits
  readonly log: (event: DiscoveryEvent) => void
}

/** Keeps this node connected: to its seeds for ever, to whom it hears of while the mesh is small. */
export class Membership {
  /** Resolves when each seed was dialed once, and the peers these named too. */
  readonly ready: Promise<void>
  /** The mesh is too large to be connected to everybody: nobody is dialed for being named. */
  sparse: boolean = false
  readonly #context: MembershipContext
  readonly #dialerContext: DialerContext
  readonly #seeds: ReadonlySet<string>
  readonly #dialers = new Map<string, Dialer>()
  #timer: Timer | undefined
  #refreshes = 0
  #stopped = false
  #settle: () => void = () => undefined
  #unsettled = 0

  constructor(context: MembershipContext, seeds: readonly string[]) {
    const { connections } = context
    this.#context = context
    this.#seeds = new Set(seeds)
    this.#dialerContext = {
      ...context,
      isConnected: (key, peer) =>
        (peer !== undefined && connections.get(peer) !== undefined) ||
        (key !== undefined && connections.to(key) !== undefined),
    }
    this.ready = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  start(): void {
    for (const seed of this.#seeds) this.#dial(seed, undefined)
    if (this.#unsettled === 0) this.#settle()
    this.#scheduleRefresh()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    for (const dialer of this.#dialers.values()) dialer.stop()
    this.#settle()
  }

  /** A node joined: remember it, or find out whether it can be dialed where it says. */
  learn(peer: Peer): void {
    const { key, address, version } = peer
    if (!key || !address || version !== 2 || !isDialable(address)) return
    if (!this.verify(peer) && !this.#context.table.has(key)) this.#probe(toContact(key, address))
  }

  /** Only who answered at its own address, with its own key, is ever told to others. */
  verify({ key, address, version, dialed }: Peer): boolean {
    if (!key || !address || version !== 2 || dialed !== formatAddress(address)) return false
    this.#context.table.seen(toContact(key, address))
    return true
  }

  /** Somebody named these: they are dialed while the mesh is small. */
  dialAll(contacts: readonly Contact[]): void {
    if (this.sparse) return
    const { connections, limits, table } = this.#context
    for (const { key, address } of contacts) {
      if (sameKey(key, table.self) || connections.to(key)) continue
      if (connections.nodes + this.#dialing() >= limits.maxFullMesh) return
      this.#dial(formatAddress(address), key)
    }
  }

  /** Keeps a contact connected. */
  keep({ key, address }: Contact): void {
    if (!this.#context.connections.to(key)) this.#dial(formatAddress(address), key)
  }

  /** A node need not stay connected. Returns false for a seed, which is dialed for ever. */
  release({ key, dialed }: Peer): boolean {
    const own = [...this.#dialers].filter(([, dialer]) => sameKey(dialer.key, key))
    const addresses = [dialed ?? '', ...own.map(([address]) => address)]
    if (addresses.some((address) => this.#seeds.has(address))) return false
    for (const address of addresses) this.#drop(address)
    return true
  }

  /** The last connection to a node is gone. */
  lost({ peer, hex, left }: Session): void {
    if (peer.key && left) this.#context.table.remove(peer.key)
    if (this.#stopped) return
    for (const [address, dialer] of this.#dialers) {
      const concerns = hex === undefined ? address === peer.dialed : sameKey(dialer.key, peer.key)
      if (!concerns) continue
      if (left && !this.#seeds.has(address)) this.#drop(address)
      else dialer.lost()
    }
  }

  /**
   * A contact did not answer. While half of all whom we keep connected to fail, the outage is ours,
   * and nobody is evicted for it (discovery §1).
   */
  failed(key: Uint8Array): void {
    let failing = 0
    for (const dialer of this.#dialers.values()) if (dialer.failing) failing++
    if (failing === 0 || failing * 2 < this.#dialers.size) this.#context.table.failed(key)
  }

  /** Asks a peer whom else it is connected to. */
  askPeers(peer: Peer, page = 0): void {
    peer.request(
      PEERS,
      (writer) => writer.u8(page),
      (status, body) => {
        if (status !== STATUS_OK || !body || this.#stopped) return
        const { more, contacts } = readPeersPage(body)
        this.dialAll(contacts)
        if (more && contacts.length > 0 && page + 1 < MAX_PAGES) this.askPeers(peer, page + 1)
      },
    )
  }

  /** Dialed even where it is connected, to see that it can be. */
  #probe({ key, address }: Contact): void {
    if (!sameKey(key, this.#context.table.self)) this.#dial(formatAddress(address), key)
  }

  #dialing(): number {
    let dialing = 0
    for (const dialer of this.#dialers.values()) if (dialer.dialing) dialing++
    return dialing
  }

  #dial(address: string, key: Uint8Array | undefined): void {
    const { limits, table } = this.#context
    if (this.#stopped || !this.#isFree(address, key)) return
    this.#unsettled++
    let settled = false
    const seed = this.#seeds.has(address)
    const dialer = new Dialer(this.#dialerContext, {
      target: key && !seed ? { address, key } : { address },
      timeoutMs: limits.dialTimeoutMs,
      ...(seed ? {} : { giveUpMs: limits.giveUpMs }),
      onSettled: () => {
        if (!settled) this.#settled()
        settled = true
      },
      onFailed: () => {
        if (key) this.failed(key)
      },
      onGivenUp: () => {
        this.#dialers.delete(address)
        if (key) table.remove(key)
      },
    })
    this.#dialers.set(address, dialer)
    dialer.start()
  }

  /** A node that came back with another key takes the place of the one that cannot be found there. */
  #isFree(address: string, key: Uint8Array | undefined): boolean {
    const dialer = this.#dialers.get(address)
    if (!dialer)
      return this.#seeds.has(address) || this.#dialers.size < this.#context.limits.maxDialers
    if (this.#seeds.has(address) || !dialer.failing || sameKey(dialer.key, key)) return false
    this.#drop(address)
    return true
  }

  #drop(address: string): void {
    this.#dialers.get(address)?.stop()
    this.#dialers.delete(address)
  }

  /** Whom a seed names is dialed in the same turn, before this one counts as done. */
  #settled(): void {
    if (this.#stopped) return
    this.#context.clock.schedule(this.#context.limits.settleMs, () => {
      if (--this.#unsettled === 0) this.#settle()
    })
  }

  #scheduleRefresh(): void {
    const { clock, random } = this.#context
    const delay = EARLY_REFRESHES[this.#refreshes] ?? REFRESH
    this.#refreshes++
    this.#timer = clock.schedule(delay * (0.9 + random() * 0.2), () => {
      this.#refresh()
      if (!this.#stopped) this.#scheduleRefresh()
    })
  }

  #refresh(): void {
    const { connections, random } = this.#context
    const sessions = connections.used()
    const session = sessions[Math.floor(random() * sessions.length)]
    if (session) this.askPeers(session.peer)
  }
}
