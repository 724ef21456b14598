import { type Reader, RemoteProtocolError } from '@flatend/wire'
import {
  FIND_NODE,
  FIND_NODE2,
  LEAVE,
  MAX_FOUND,
  MAX_FOUND_LEGACY,
  MAX_PAGE,
  MAX_SERVICES,
  PEERS,
  readContacts,
  readFindNode,
  readServices,
  SERVICES,
  writeContacts,
  writeFindNode,
  writeId,
  writeServices,
} from './codec.ts'
import { type Address, CAPABILITY, type Contact, formatAddress, isDialable } from './contact.ts'
import { Dialer, type DialerContext } from './dialer.ts'
import type { DiscoveryEvent } from './events.ts'
import { compareDistance, compareIds, ID_LENGTH, toHex } from './id.ts'
import { DEFAULT_DISCOVERY_LIMITS, type DiscoveryLimits } from './limits.ts'
import { Lookup } from './lookup.ts'
import type { Clock, Network, Peer, Timer } from './ports.ts'
import { RoutingTable } from './routing-table.ts'
import { ServiceIndex } from './service-index.ts'

const STATUS_OK = 0
/** Questions for peers after the start, in milliseconds; then every REFRESH. */
const EARLY_REFRESHES = [250, 1_000, 3_000]
const REFRESH = 30_000
/** Services of one SERVICES message; a hello has room for the rest. */
const MAX_ANNOUNCED = 200

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

/** A message of a peer. */
export interface IncomingMessage {
  readonly seq: number
  readonly opcode: number
  readonly body: Reader
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
  lookup(target: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Contact[]>
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new MeshDiscovery(options)
}

/** What is known of one connection. */
interface Session {
  readonly peer: Peer
  readonly hex: string | undefined
  servicesSeq: bigint
  left: boolean
  readonly answered: Set<string>
}

class MeshDiscovery implements Discovery {
  readonly table: RoutingTable
  readonly ready: Promise<void>
  readonly #options: DiscoveryOptions
  readonly #limits: DiscoveryLimits
  readonly #log: (event: DiscoveryEvent) => void
  readonly #sessions = new Map<Peer, Session>()
  /** The one connection kept to each key. */
  readonly #primary = new Map<string, Peer>()
  readonly #services = new ServiceIndex()
  readonly #dialers = new Map<string, Dialer>()
  readonly #context: DialerContext
  #offered: ReadonlySet<string>
  #seq = 0n
  #timer: Timer | undefined
  #refreshes = 0
  #started = false
  #stopped = false
  #settle: () => void = () => undefined
  #unsettled = 0

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_DISCOVERY_LIMITS, ...options.limits }
    this.#log = options.log ?? (() => undefined)
    this.table = new RoutingTable(options.self.key)
    this.#offered = new Set(options.services)
    this.#context = {
      network: options.network,
      clock: options.clock,
      random: options.random,
      log: this.#log,
      isConnected: (key, peer) => (key ? this.#primary.has(toHex(key)) : this.#sessions.has(peer)),
    }
    this.ready = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    for (const address of this.#options.seeds ?? []) this.#dial({ address, seed: true })
    if (this.#unsettled === 0) this.#settle()
    this.#scheduleRefresh()
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    for (const dialer of this.#dialers.values()) dialer.stop()
    this.#settle()
    const contacts = this.table.closest(this.#options.self.key, 4)
    for (const { peer } of this.#sessions.values()) {
      if (peer.version === 2) peer.send(LEAVE, (writer) => writeContacts(writer, contacts))
    }
  }

  connected(peer: Peer): void {
    // v1 has no way to say why a connection ends, and its SDKs dial again at once: all are kept.
    const hex = peer.version === 2 && peer.key ? toHex(peer.key) : undefined
    this.#sessions.set(peer, { peer, hex, servicesSeq: -1n, left: false, answered: new Set() })
    if (hex !== undefined && !this.#keep(peer, hex)) return
    this.#services.add(peer, peer.services)
    this.#log({ type: 'peer-joined', peer: hex ?? 'anonymous', services: peer.services })
    this.#learn(peer)
    if (peer.version === 2) this.#askPeers(peer, 0)
  }

  disconnected(peer: Peer): void {
    const session = this.#sessions.get(peer)
    if (!session) return
    this.#sessions.delete(peer)
    this.#services.delete(peer)
    const { hex } = session
    if (hex !== undefined && this.#primary.get(hex) !== peer) return
    if (hex !== undefined) this.#primary.delete(hex)
    this.#log({ type: 'peer-left', peer: hex ?? 'anonymous' })
    if (peer.key && session.left) this.table.remove(peer.key)
    if (!this.#stopped) this.#redial(peer, session)
  }

  providers(service: string): readonly Peer[] {
    return this.#services.providers(service)
  }

  servicesOf(peer: Peer): readonly string[] {
    return this.#services.servicesOf(peer)
  }

  setServices(services: readonly string[]): void {
    const now = new Set(services)
    const added = [...now].filter((service) => !this.#offered.has(service))
    const removed = [...this.#offered].filter((service) => !now.has(service))
    this.#offered = now
    for (const { peer } of this.#sessions.values()) this.#announce(peer, added, removed)
  }

  receive(peer: Peer, { seq, opcode, body }: IncomingMessage): boolean {
    const session = this.#sessions.get(peer)
    if (!session) return false
    if (opcode === FIND_NODE) this.#onFindNode(session, seq, body)
    else if (peer.version === 1) return false
    else if (opcode === FIND_NODE2) this.#onFindNode2(peer, seq, body)
    else if (opcode === PEERS) this.#onPeers(peer, seq, body)
    else if (opcode === SERVICES) this.#onServices(session, body)
    else if (opcode === LEAVE) this.#onLeave(session, body)
    else return false
    return true
  }

  async lookup(
    target: Uint8Array,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Contact[]> {
    const self = this.#options.self.key
    const lookup = new Lookup({ target, self, start: this.table.closest(target, 16) })
    return await new Promise((resolve, reject) => {
      const step = (): void => {
        if (signal.aborted) reject(signal.reason)
        else if (lookup.done) resolve(lookup.result())
        else for (const contact of lookup.next()) ask(contact)
      }
      const ask = (contact: Contact): void => {
        this.#findNode(contact, { target, signal }).then(
          (contacts) => {
            lookup.answered(contact.key, contacts)
            step()
          },
          () => {
            lookup.failed(contact.key)
            this.table.failed(contact.key)
            step()
          },
        )
      }
      step()
    })
  }

  // --- Connections ---

  /** Of two connections to one node both sides keep the one that the smaller key dialed. */
  #keep(peer: Peer, hex: string): boolean {
    const other = this.#primary.get(hex)
    if (other) {
      const weAreSmaller = compareIds(this.#options.self.key, peer.key as Uint8Array) < 0
      const preferred = (one: Peer): boolean => (one.dialed !== undefined) === weAreSmaller
      // Of two alike the newer: the older may be dead without having noticed.
      const loser = preferred(other) && !preferred(peer) ? peer : other
      if (loser === peer) {
        this.#verify(peer)
        peer.retire('another connection to this node is kept')
        return false
      }
      this.#services.delete(other)
      this.#primary.set(hex, peer)
      other.retire('another connection to this node is kept')
      return true
    }
    this.#primary.set(hex, peer)
    return true
  }

  /** A node joined: remember it, or find out whether it can be dialed where it says. */
  #learn(peer: Peer): void {
    if (!peer.key || !peer.address || peer.version !== 2 || !isDialable(peer.address)) return
    if (this.#verify(peer)) return
    const contact = toContact(peer.key, peer.address)
    if (!this.table.has(peer.key)) this.#dialContact(contact, true)
  }

  /** Only who answered at its own address, with its own key, is ever told to others. */
  #verify(peer: Peer): boolean {
    if (!peer.key || !peer.address || peer.dialed !== formatAddress(peer.address)) return false
    this.table.seen(toContact(peer.key, peer.address))
    return true
  }

  #redial(peer: Peer, session: Session): void {
    for (const [name, dialer] of this.#dialers) {
      if (session.hex !== undefined ? !sameKey(dialer.key, peer.key) : name !== peer.dialed)
        continue
      if (session.left && name !== peer.dialed) this.#drop(name)
      else dialer.lost()
    }
  }

  #drop(name: string): void {
    this.#dialers.get(name)?.stop()
    this.#dialers.delete(name)
  }

  /** Dials a node that was named; `probe` even when it is connected, to see that it can be. */
  #dialContact(contact: Contact, probe: boolean): void {
    const hex = toHex(contact.key)
    if (sameKey(contact.key, this.#options.self.key)) return
    if (!probe && this.#primary.has(hex)) return
    if (this.#primary.size >= this.#limits.maxFullMesh && !probe) return
    this.#dial({ address: formatAddress(contact.address), key: contact.key, seed: false })
  }

  #dial({ address, key, seed }: { address: string; key?: Uint8Array; seed: boolean }): void {
    if (this.#stopped || this.#dialers.has(address)) return
    if (this.#dialers.size >= this.#limits.maxDialers) return
    let settled = false
    this.#unsettled++
    const dialer = new Dialer(this.#context, {
      target: key ? { address, key } : { address },
      timeoutMs: this.#limits.dialTimeoutMs,
      ...(seed ? {} : { giveUpMs: this.#limits.giveUpMs }),
      onSettled: () => {
        if (settled) return
        settled = true
        // Whom a seed names is dialed in the same turn, before this one counts as done.
        this.#options.clock.schedule(this.#limits.settleMs, () => {
          if (--this.#unsettled === 0) this.#settle()
        })
      },
      onGivenUp: () => {
        this.#dialers.delete(address)
        if (key) this.table.remove(key)
      },
    })
    this.#dialers.set(address, dialer)
    dialer.start()
  }

  #scheduleRefresh(): void {
    const { clock, random } = this.#options
    const delay = EARLY_REFRESHES[this.#refreshes] ?? REFRESH
    this.#refreshes++
    this.#timer = clock.schedule(delay * (0.9 + random() * 0.2), () => {
      this.#refresh()
      if (!this.#stopped) this.#scheduleRefresh()
    })
  }

  /** Asks one peer whom else it knows. */
  #refresh(): void {
    const peers = [...this.#primary.values()].filter(({ version }) => version === 2)
    const peer = peers[Math.floor(this.#options.random() * peers.length)]
    if (peer) this.#askPeers(peer, 0)
  }

  #askPeers(peer: Peer, page: number): void {
    peer.request(
      PEERS,
      (writer) => writer.u8(page),
      (status, body) => {
        if (status !== STATUS_OK || !body || this.#stopped) return
        const more = body.u8()
        for (const contact of readContacts(body, MAX_PAGE)) this.#dialContact(contact, false)
        body.expectEnd()
        if (more !== 0 && page < 255) this.#askPeers(peer, page + 1)
      },
    )
  }

  async #findNode(
    contact: Contact,
    { target, signal }: { readonly target: Uint8Array; readonly signal: AbortSignal },
  ): Promise<Contact[]> {
    const open = this.#primary.get(toHex(contact.key))
    const peer =
      open ??
      (await this.#options.network.connect(
        { address: formatAddress(contact.address), key: contact.key },
        { signal },
      ))
    return await new Promise((resolve, reject) => {
      peer.request(
        FIND_NODE2,
        (writer) => writeFindNode(writer, { target, want: 16, needed: 0 }),
        (status, body) => {
          if (status === STATUS_OK && body) resolve(readContacts(body, MAX_FOUND))
          else reject(new Error(`no answer to FIND_NODE2 (status ${status})`))
        },
      )
    })
  }

  // --- Messages ---

  /** v1. A repeat is answered with nothing: the 2020 Node SDK would ask for ever (protocol §1). */
  #onFindNode(session: Session, seq: number, body: Reader): void {
    const target = body.bytes(ID_LENGTH)
    body.expectEnd()
    const hex = toHex(target)
    const repeated = session.answered.has(hex)
    if (session.answered.size < this.#limits.maxAnswered) session.answered.add(hex)
    const found = repeated ? [] : this.#closestForLegacy(target)
    session.peer.reply(seq, STATUS_OK, (writer) => {
      writer.u8(found.length)
      for (const contact of found) writeId(writer, contact)
    })
  }

  /** Table and v1 peers together, which a v1 node can dial alike; the target itself left out. */
  #closestForLegacy(target: Uint8Array): Contact[] {
    const contacts = this.table.closest(target, MAX_FOUND_LEGACY + 1)
    for (const { peer } of this.#sessions.values()) {
      if (peer.version !== 1 || !peer.key || !peer.address || !isDialable(peer.address)) continue
      if (!contacts.some(({ key }) => sameKey(key, peer.key))) {
        contacts.push(toContact(peer.key, peer.address))
      }
    }
    return contacts
      .filter(({ key }) => !sameKey(key, target))
      .sort((a, b) => compareDistance(target, a.key, b.key))
      .slice(0, MAX_FOUND_LEGACY)
  }

  #onFindNode2(peer: Peer, seq: number, body: Reader): void {
    const { target, want, needed } = readFindNode(body)
    const found = this.table
      .closest(target, MAX_FOUND)
      .filter(({ capabilities }) => (capabilities & needed) === needed)
      .slice(0, want)
    peer.reply(seq, STATUS_OK, (writer) => writeContacts(writer, found))
  }

  #onPeers(peer: Peer, seq: number, body: Reader): void {
    const page = body.u8()
    body.expectEnd()
    const all = this.table
      .contacts()
      .filter(({ key }) => this.#primary.has(toHex(key)) && !sameKey(key, peer.key))
      .sort((a, b) => compareIds(a.key, b.key))
    const found = all.slice(page * MAX_PAGE, (page + 1) * MAX_PAGE)
    peer.reply(seq, STATUS_OK, (writer) => {
      writer.u8(all.length > (page + 1) * MAX_PAGE ? 1 : 0)
      writeContacts(writer, found)
    })
  }

  #onServices(session: Session, body: Reader): void {
    const { seq, added, removed } = readServices(body)
    if (seq <= session.servicesSeq) return
    session.servicesSeq = seq
    const { peer, hex } = session
    if (hex !== undefined && this.#primary.get(hex) !== peer) return
    this.#services.remove(peer, removed)
    if (this.#services.servicesOf(peer).length + added.length > MAX_SERVICES) {
      throw new RemoteProtocolError(
        'FLATEND_KADEMLIA_LIMIT',
        `the peer offers more than ${MAX_SERVICES} services`,
      )
    }
    this.#services.add(peer, added)
    this.#log({ type: 'services-changed', peer: hex ?? 'anonymous', added, removed })
  }

  #onLeave(session: Session, body: Reader): void {
    const contacts = readContacts(body, MAX_PAGE)
    body.expectEnd()
    session.left = true
    this.#services.delete(session.peer)
    for (const contact of contacts) this.#dialContact(contact, false)
  }

  /** In pieces that fit any peer's limits. */
  #announce(peer: Peer, added: readonly string[], removed: readonly string[]): void {
    if (peer.version !== 2) return
    for (let at = 0; at < Math.max(added.length, removed.length); at += MAX_ANNOUNCED) {
      const change = {
        seq: this.#seq++,
        added: added.slice(at, at + MAX_ANNOUNCED),
        removed: removed.slice(at, at + MAX_ANNOUNCED),
      }
      peer.send(SERVICES, (writer) => writeServices(writer, change))
    }
  }
}

function toContact(key: Uint8Array, address: Address): Contact {
  return { key, address, capabilities: CAPABILITY.routes }
}

function sameKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && compareIds(a, b) === 0
}
