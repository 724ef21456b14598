import { type Reader, RemoteProtocolError } from '@flatend/wire'
import { Allowance } from './allowance.ts'
import {
  DOWN_HINT,
  EVENT,
  FIND_NODE,
  FIND_NODE2,
  GET,
  LEAVE,
  MAX_FOUND,
  MAX_FOUND_LEGACY,
  MAX_PAGE,
  MAX_SERVICES,
  PEERS,
  PUT,
  readContacts,
  readFindNode,
  readServices,
  SERVICES,
  STATUS_OK,
  WATCH,
  writeContacts,
  writeId,
  writeServices,
} from './codec.ts'
import type { Connections, Session } from './connections.ts'
import type { Contact } from './contact.ts'
import { DIAL_BACK } from './dial-back-codec.ts'
import type { DiscoveryEvent, PeerChange } from './events.ts'
import { compareIds, ID_LENGTH, sameKey, toHex } from './id.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { Clock, Peer } from './ports.ts'
import type { RoutingTable } from './routing-table.ts'
import type { ServiceIndex } from './service-index.ts'

/** Services of one SERVICES message, each way: with names of 255 bytes they fit in a packet. */
const MAX_ANNOUNCED = 100
/** What messages weigh beside their size, about as the time they take; all others weigh 1. */
const WEIGHTS: ReadonlyMap<number, number> = new Map([
  [FIND_NODE, 16],
  [FIND_NODE2, 16],
  [PEERS, 128],
  [LEAVE, 128],
  [GET, 16],
  [WATCH, 4],
  [EVENT, 4],
  [DOWN_HINT, 4],
  [DIAL_BACK, 16],
])
/** So many bytes of a PUT weigh 1: a record with its signature is about 32 of them. */
const WEIGHED_PUT_BYTES = 8
/** So many bytes, and each name of a service, weigh 1 more. */
const WEIGHED_BYTES = 1_024

/** A message of a peer. */
export interface IncomingMessage {
  /** 0 expects no answer. */
  readonly seq: number
  readonly opcode: number
  readonly body: Reader
}

/** What {@link Messages} works with. */
export interface MessagesContext {
  readonly table: RoutingTable
  readonly connections: Connections
  readonly services: ServiceIndex
  readonly limits: DiscoveryLimits
  readonly log: (event: DiscoveryEvent) => void
  readonly onPeer: (change: PeerChange) => void
  readonly clock: Pick<Clock, 'now'>
  /** A peer that leaves named these instead. */
  readonly onNamed: (contacts: readonly Contact[], peer: Peer) => void
  /** A v1 peer asked for nodes. */
  readonly onAsked: (peer: Peer) => void
}

/** What peers say and ask. A body is read to its end before anything is done for it. */
export class Messages {
  readonly #context: MessagesContext
  #seq = 0n

  constructor(context: MessagesContext) {
    this.#context = context
  }

  /** Returns false where the opcode is none of discovery's. */
  receive(session: Session, { seq, opcode, body }: IncomingMessage): boolean {
    const { version } = session.peer
    const bytes = opcode === PUT ? WEIGHED_PUT_BYTES : WEIGHED_BYTES
    this.#expectNoFlood(session, (WEIGHTS.get(opcode) ?? 1) + body.remaining / bytes)
    if (opcode === FIND_NODE && version === 1) this.#onFindNode(session, seq, body)
    else if (version === 1) return false
    else if (opcode === FIND_NODE2) this.#onFindNode2(session, seq, body)
    else if (opcode === PEERS) this.#onPeers(session, seq, body)
    else if (opcode === SERVICES) this.#onServices(session, body)
    else if (opcode === LEAVE) this.#onLeave(session, body)
    else return false
    return true
  }

  /** @throws RemoteProtocolError where the peer says more than any node has reason to */
  #expectNoFlood(session: Session, weight: number): void {
    const { clock, limits } = this.#context
    session.allowance ??= new Allowance(clock, limits.messageBurst, limits.messagesPerSecond)
    if (session.allowance.take(weight)) return
    throw new RemoteProtocolError(
      'FLATEND_KADEMLIA_FLOOD',
      `the peer sends more than ${limits.messagesPerSecond} messages a second that are no calls`,
      { details: { perSecond: limits.messagesPerSecond, burst: limits.messageBurst } },
    )
  }

  /** Tells a peer what is offered and what is no more, in pieces that fit any peer's limits. */
  announce(session: Session, added: readonly string[], removed: readonly string[]): void {
    if (session.peer.version !== 2) return
    for (let at = 0; at < Math.max(added.length, removed.length); at += MAX_ANNOUNCED) {
      const change = {
        seq: this.#seq++,
        added: added.slice(at, at + MAX_ANNOUNCED),
        removed: removed.slice(at, at + MAX_ANNOUNCED),
      }
      session.peer.send(SERVICES, (writer) => writeServices(writer, change))
    }
  }

  /** Says that nothing changed: the peer learns that this connection is open. */
  greet({ peer }: Session): void {
    const change = { seq: this.#seq++, added: [], removed: [] }
    if (peer.version === 2) peer.send(SERVICES, (writer) => writeServices(writer, change))
  }

  /** Says goodbye, and whom to use instead. */
  leave(session: Session, contacts: readonly Contact[]): void {
    if (session.peer.version !== 2) return
    session.peer.send(LEAVE, (writer) => writeContacts(writer, contacts))
  }

  /**
   * v1. The 2020 Node SDK remembers whom it saw before its bootstrap and nobody it saw in it: it asks
   * for ever where two of those it was told of know each other, as two 2020 nodes do as soon as one
   * was told of the other. So v1 peers are told of v2 nodes alone (the table has no others), and these
   * answer a repeat with nothing (protocol §1).
   */
  #onFindNode({ peer, answered }: Session, seq: number, body: Reader): void {
    const target = body.bytes(ID_LENGTH)
    body.expectEnd()
    const { table, limits } = this.#context
    const hex = toHex(target)
    const repeated = answered.has(hex)
    if (answered.size < limits.maxAnswered) answered.add(hex)
    const found = repeated ? [] : table.closest(target, MAX_FOUND_LEGACY + 1)
    const others = found.filter(({ key }) => !sameKey(key, target)).slice(0, MAX_FOUND_LEGACY)
    peer.reply(seq, STATUS_OK, (writer) => {
      writer.u8(others.length)
      for (const contact of others) writeId(writer, contact)
    })
    this.#context.onAsked(peer)
  }

  #onFindNode2({ peer }: Session, seq: number, body: Reader): void {
    const { target, want, needed } = readFindNode(body)
    const found = this.#context.table
      .closest(target, MAX_FOUND)
      .filter(({ capabilities }) => (capabilities & needed) === needed)
      .slice(0, want)
    peer.reply(seq, STATUS_OK, (writer) => writeContacts(writer, found))
  }

  #onPeers({ peer }: Session, seq: number, body: Reader): void {
    const page = body.u8()
    body.expectEnd()
    const { table, connections } = this.#context
    const all = table
      .contacts()
      .filter(({ key }) => connections.to(key) && !sameKey(key, peer.key))
      .toSorted((a, b) => compareIds(a.key, b.key))
    const found = all.slice(page * MAX_PAGE, (page + 1) * MAX_PAGE)
    peer.reply(seq, STATUS_OK, (writer) => {
      writer.u8(all.length > (page + 1) * MAX_PAGE ? 1 : 0)
      writeContacts(writer, found)
    })
  }

  #onServices(session: Session, body: Reader): void {
    const { seq, added, removed } = readServices(body)
    this.#expectNoFlood(session, added.length + removed.length)
    if (seq <= session.servicesSeq || session.left) return
    session.servicesSeq = seq
    const { peer, hex, services } = session
    const gone = removed.filter((service) => services.delete(service))
    const fresh = new Set(added.filter((service) => !services.has(service)))
    if (services.size + fresh.size > MAX_SERVICES) {
      throw new RemoteProtocolError(
        'FLATEND_KADEMLIA_LIMIT',
        `the peer offers more than ${MAX_SERVICES} services`,
        { details: { max: MAX_SERVICES } },
      )
    }
    for (const service of fresh) services.add(service)
    const { connections, services: index, log, onPeer } = this.#context
    if (session.retired || !connections.isUsed(session) || gone.length + fresh.size === 0) return
    index.remove(peer, gone)
    index.add(peer, fresh)
    const change = { type: 'services-changed' as const, added: [...fresh], removed: gone }
    log({ ...change, peer: hex ?? 'anonymous' })
    onPeer({ ...change, peer })
  }

  #onLeave(session: Session, body: Reader): void {
    const contacts = readContacts(body, MAX_PAGE)
    body.expectEnd()
    if (session.left) return
    const { services, table, onNamed } = this.#context
    session.left = true
    services.delete(session.peer)
    if (session.peer.key) table.remove(session.peer.key)
    onNamed(contacts, session.peer)
  }
}
