import { PEERS, readPeersPage, STATUS_OK } from './codec.ts'
import type { Connections, Session } from './connections.ts'
import { type Contact, formatAddress, isDialable, toContact } from './contact.ts'
import { Dialer, type DialerContext, SELF } from './dialer.ts'
import { Dialers, type Reason } from './dialers.ts'
import type { DiscoveryEvent } from './events.ts'
import { sameKey, toHex } from './id.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { Clock, DialTarget, Network, Peer, Timer } from './ports.ts'
import type { RoutingTable } from './routing-table.ts'
import { Suggestions, type SuggestOptions } from './suggestions.ts'

/** Questions for peers after the start, in milliseconds; then every REFRESH. */
const EARLY_REFRESHES = [250, 1_000, 3_000]
const REFRESH = 30_000
/**
 * Who comes to a node that is just joining through others is not dialed back for so long, in
 * milliseconds: where many start at once, each pair would make two connections in the first second.
 */
const JOINING = 1_500
/** Refreshes from one look at who is not verified yet to the next: 5 minutes. */
const VERIFY_EVERY = 10
/** Pages of PEERS read of one peer: enough for all that are ever dialed. */
const MAX_PAGES = 4
/** Addresses of one host name that are tried. */
const MAX_ANSWERS = 64
/** Who names an address that no peer named. */
const SUGGESTED = 'suggested'

/** What {@link Membership} works with. */
export interface MembershipContext {
  readonly table: RoutingTable
  readonly connections: Connections
  readonly network: Network
  readonly clock: Clock
  readonly random: () => number
  readonly limits: DiscoveryLimits
  readonly log: (event: DiscoveryEvent) => void
  /** Whether a node may be in the table at all. */
  readonly mayEnter: (peer: Peer) => boolean
}

/** Keeps this node connected: to its seeds for ever, to whom it hears of while the mesh is small. */
export class Membership {
  /** Resolves when each seed was dialed once, and the peers these named too. */
  readonly ready: Promise<void>
  /** The mesh is too large to be connected to everybody: nobody is dialed for being named. */
  sparse: boolean = false
  readonly #context: MembershipContext
  readonly #dialerContext: DialerContext
  readonly #seeds: ReadonlyMap<string, DialTarget>
  readonly #suggestions: Suggestions
  readonly #dialers: Dialers
  /** Where this node answered itself. */
  readonly #own = new Set<string>()
  #timer: Timer | undefined
  #refreshes = 0
  /** Who came meanwhile; nothing once this node has joined, or where it joins through nobody. */
  #came: Peer[] | undefined
  #joining: Timer | undefined
  #stopped = false
  #settle: () => void = () => undefined
  /** Dials that `ready` waits for, and the start. */
  #unsettled = 1
  #probing = 0

  constructor(context: MembershipContext, seeds: readonly DialTarget[]) {
    const { connections } = context
    this.#context = context
    this.#dialers = new Dialers(context.limits)
    this.#seeds = new Map(seeds.map((seed) => [seed.address, seed]))
    this.#suggestions = new Suggestions({
      dial: (target, onSettled) => this.#try(target, onSettled),
      // Alone, a node takes whom it can get, however large the mesh was.
      room: (trying) => {
        const most = context.limits.maxNamedDialers - trying
        return connections.nodes === 0 ? most : Math.min(most, this.#room())
      },
      connected: () => connections.nodes,
      onIdle: () => this.#settleIfDone(),
    })
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
    this.#suggestions.start()
    for (const { address, key } of this.#seeds.values()) this.#dial(address, { cause: 'seed', key })
    this.#resolveSeeds()
    this.#unsettled--
    this.#settleIfDone()
    this.#scheduleRefresh()
    if (this.#seeds.size === 0) return
    const { clock, random } = this.#context
    this.#joining = clock.schedule(JOINING * (1 + random()), () => this.#joined())
  }

  /** Addresses that may lead to nodes of this mesh: each is tried once, while nodes are wanted. */
  suggest(targets: readonly DialTarget[], options?: SuggestOptions): void {
    if (!this.#stopped) this.#suggestions.add(targets, options)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#suggestions.stop()
    this.#joining?.cancel()
    this.#dialers.stop()
    this.#settle()
  }

  /** Whether that is an address given to join through. */
  isSeed(address: string | undefined): boolean {
    return address !== undefined && this.#seeds.has(address)
  }

  /** A node joined: remember it, or find out whether it can be dialed where it says. */
  learn(peer: Peer): void {
    const { key, address, version } = peer
    const canBeFound = key && address && version === 2 && isDialable(address)
    if (!canBeFound || !this.#context.mayEnter(peer)) return
    if (this.isSeed(peer.dialed) && this.#joining) this.#came ??= []
    if (this.verify(peer) || this.#context.table.has(key)) return
    if (this.#came) this.#defer(peer, this.#came)
    else this.#find(toContact(key, address))
  }

  /** Who finds no room is verified with those who are wanted, later. */
  #defer(peer: Peer, came: Peer[]): void {
    if (came.length < this.#context.limits.maxDialers) came.push(peer)
  }

  /** Where connections are few, each that closes for being idle would else be made anew for ever. */
  #find(contact: Contact): void {
    if (!this.sparse || this.#context.table.wants(contact.key)) this.#probe(contact)
  }

  #joined(): void {
    const came = this.#came ?? []
    this.#joining = undefined
    this.#came = undefined
    for (const peer of came) if (this.#context.connections.get(peer)) this.learn(peer)
  }

  /** Only who answered at its own address, with its own key, is ever told to others. */
  verify(peer: Peer): boolean {
    const { key, address, version, dialed } = peer
    if (!key || !address || version !== 2 || dialed !== formatAddress(address)) return false
    if (!this.#context.mayEnter(peer)) return false
    this.#context.table.seen(toContact(key, address))
    return true
  }

  /** A peer named these: they are dialed while the mesh is small. */
  dialAll(contacts: readonly Contact[], peer: Peer): void {
    const { connections, table } = this.#context
    const by = peer.key && toHex(peer.key)
    let room = this.#room()
    for (const { key, address } of contacts) {
      if (room <= 0) return
      if (sameKey(key, table.self) || connections.to(key)) continue
      if (this.#dial(formatAddress(address), { cause: 'named', by, key })) room--
    }
  }

  /** Keeps a contact connected. */
  keep(contact: Contact): void {
    if (!this.#context.connections.to(contact.key)) this.#probe(contact)
  }

  /** A node need not stay connected. Returns false for a seed, which is dialed for ever. */
  release({ key, dialed }: Peer): boolean {
    const own = [...this.#dialers].filter(([, { dialer }]) => sameKey(dialer.key, key))
    const addresses = [dialed ?? '', ...own.map(([address]) => address)]
    if (addresses.some((address) => this.#seeds.has(address))) return false
    for (const address of addresses) this.#dialers.drop(address)
    return true
  }

  /** The last connection to a node is gone. */
  lost({ peer, hex, left }: Session): void {
    if (peer.key && left) this.#context.table.remove(peer.key)
    if (this.#stopped) return
    for (const [address, { dialer, cause }] of this.#dialers) {
      const concerns = hex === undefined ? address === peer.dialed : sameKey(dialer.key, peer.key)
      if (!concerns) continue
      // Who came, was not found where it says, and is gone, was never there for all we know.
      const unproven = cause === 'joined' && !dialer.reached
      if (cause !== 'seed' && (left || unproven)) this.#dialers.drop(address)
      else dialer.lost()
    }
  }

  /**
   * A contact did not answer. While half of all whom we keep connected to fail, the outage is ours,
   * and nobody is evicted for it (discovery §1).
   */
  failed(key: Uint8Array): void {
    const failing = this.#dialers.count((dialer) => dialer.failing)
    if (failing === 0 || failing * 2 < this.#dialers.size) this.#context.table.failed(key)
  }

  /** Asks a peer whom else it is connected to; not where nobody it names would be dialed. */
  askPeers(peer: Peer, page = 0): void {
    if (this.#room() <= 0) return
    peer.request(
      PEERS,
      (writer) => writer.u8(page),
      (status, body) => {
        if (status !== STATUS_OK || !body || this.#stopped) return
        const { more, contacts } = readPeersPage(body)
        this.dialAll(contacts, peer)
        if (more && contacts.length > 0 && page + 1 < MAX_PAGES) this.askPeers(peer, page + 1)
      },
    )
  }

  /**
   * Dialed even where it is connected, to see that it can be. Where enough are kept connected, once:
   * else whoever comes after those would never be told to anybody, however near it is.
   */
  #probe({ key, address }: Contact): void {
    const { network, clock, limits, table } = this.#context
    const at = formatAddress(address)
    if (this.#stopped || sameKey(key, table.self)) return
    if (this.#dial(at, { cause: 'joined', by: toHex(key), key })) return
    if (this.#dialers.has(at) || this.#probing >= limits.maxProbes) return
    this.#probing++
    const abort = new AbortController()
    const timer = clock.schedule(limits.dialTimeoutMs, () => abort.abort(new Error('no answer')))
    const end = (): void => {
      timer.cancel()
      this.#probing--
    }
    network.connect({ address: at, key }, { signal: abort.signal }).then(end, end)
  }

  /** How many more are dialed because somebody named them. */
  #room(): number {
    if (this.sparse) return 0
    const { connections, limits } = this.#context
    const room = limits.maxFullMesh - connections.nodes
    return room <= 0 ? room : room - this.#dialers.count((dialer) => dialer.dialing)
  }

  /** Returns whether it is dialed now. */
  #dial(address: string, reason: Reason): boolean {
    const { limits, table } = this.#context
    const { key } = reason
    if (this.#stopped || !this.#dialers.makeRoom(address, reason)) return false
    this.#unsettled++
    let settled = false
    const seed = reason.cause === 'seed'
    const dialer = new Dialer(this.#dialerContext, {
      target: key ? { address, key } : { address },
      timeoutMs: limits.dialTimeoutMs,
      seed,
      ...(seed ? {} : limits),
      ...(reason.onTried ? { giveUpUnreachedMs: 0 } : {}),
      onSettled: () => {
        if (settled) return
        settled = true
        this.#settled()
        reason.onTried?.()
      },
      onFailed: () => {
        if (key) this.failed(key)
      },
      onGivenUp: (code) => {
        this.#dialers.delete(address)
        if (code === SELF && this.#own.size < MAX_ANSWERS) this.#own.add(address)
        if (key) table.remove(key)
      },
    })
    this.#dialers.add(address, dialer, reason)
    dialer.start()
    return true
  }

  /** Whom a seed names is dialed in the same turn, before this one counts as done. */
  #settled(): void {
    if (this.#stopped) return
    this.#context.clock.schedule(this.#context.limits.settleMs, () => {
      this.#unsettled--
      this.#settleIfDone()
    })
  }

  /** Seeds were dialed; what was suggested matters only as long as nobody is there. */
  #settleIfDone(): void {
    const { idle } = this.#suggestions
    if (this.#unsettled === 0 && (idle || this.#context.connections.nodes > 0)) this.#settle()
  }

  /** Tries an address once; whoever answers there is kept connected. */
  #try({ address, key }: DialTarget, onTried: () => void): boolean {
    const { table, connections } = this.#context
    if (key && (sameKey(key, table.self) || connections.to(key))) return false
    const isOpen = ({ peer }: Session): boolean =>
      peer.dialed === address || (peer.address && formatAddress(peer.address)) === address
    if (this.#own.has(address) || connections.used().some(isOpen)) return false
    return this.#dial(address, { cause: 'named', by: SUGGESTED, key, onTried })
  }

  /** A name may stand for many nodes, and for others as time goes by (discovery §4). */
  #resolveSeeds(): void {
    const { network } = this.#context
    if (!network.resolve || this.#room() <= 0) return
    for (const { address, key } of this.#seeds.values()) {
      void this.#resolve({ address, ...(key ? { key } : {}) }, network.resolve(address))
    }
  }

  async #resolve({ key }: DialTarget, resolving: Promise<readonly string[]>): Promise<void> {
    // That the name is unknown is for the seed's own dialer to tell.
    const answers = await resolving.catch(() => [])
    // The only one is where that dialer goes.
    if (answers.length < 2) return
    this.suggest(
      answers.slice(0, MAX_ANSWERS).map((address) => (key ? { address, key } : { address })),
    )
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
    // In the beginning a seed knows most.
    const seeds = sessions.filter(({ peer }) => this.isSeed(peer.dialed))
    const isEarly = this.#refreshes <= EARLY_REFRESHES.length && seeds.length > 0
    const asked = isEarly ? seeds : sessions
    const session = asked[Math.floor(random() * asked.length)]
    if (session) this.askPeers(session.peer)
    this.#resolveSeeds()
    if (this.#refreshes % VERIFY_EVERY === 0) this.#verifyWanted(sessions)
  }

  /** Who came to us and could not be dialed then is tried again where the table has a place for it. */
  #verifyWanted(sessions: readonly Session[]): void {
    const { table, limits, random } = this.#context
    const wanted = sessions.filter(
      ({ peer }) => peer.key && !table.has(peer.key) && table.wants(peer.key),
    )
    const start = Math.floor(random() * wanted.length)
    for (let i = 0; i < Math.min(limits.maxProbes, wanted.length); i++) {
      this.learn((wanted[(start + i) % wanted.length] as Session).peer)
    }
  }
}
