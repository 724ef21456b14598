import type { Allowance } from './allowance.ts'
import { compareIds, toHex } from './id.ts'
import type { Peer } from './ports.ts'

/** What is known of one connection. */
export interface Session {
  readonly peer: Peer
  /** Proven key; `undefined` in v1, where each connection stands for itself. */
  readonly hex: string | undefined
  /** What the peer offers: its hello, and the changes since. */
  readonly services: Set<string>
  /** Number of the last such change. */
  servicesSeq: bigint
  /** It said goodbye. */
  left: boolean
  /** It is not used any more, and ends when its calls are done. */
  retired: boolean
  /** The peer spoke, so that it has this connection open too. */
  heard: boolean
  /** The peer opened another since it spoke here last: if it does so again, it has this one no more. */
  doubted: boolean
  /** Those that end then. */
  readonly replaced: Session[]
  /** v1 targets it was given an answer for. */
  readonly answered: Set<string>
  /** What it may still say; made when it says something. */
  allowance: Allowance | undefined
}

/** What became of a connection that opened. */
export interface Opened {
  readonly session: Session
  /** Whether it is the one to use. */
  readonly used: boolean
  /** The one that was used until now. */
  readonly replaced: Session | undefined
}

/** What became of one that ended. */
export interface Closed {
  readonly session: Session
  readonly wasUsed: boolean
  /** Another to the same node, used from now on. */
  readonly successor: Session | undefined
}

/** Connections to one node at a time; only one is used, the others are about to end. */
const MAX_TO_ONE_NODE = 4
const REASON = 'another connection to this node is kept'

/** Every open connection, and which of several to one node is used. */
export class Connections {
  readonly #self: Uint8Array
  readonly #sessions = new Map<Peer, Session>()
  /** By key, in the order they opened. */
  readonly #nodes = new Map<string, { readonly sessions: Session[]; used: Session | undefined }>()

  constructor(self: Uint8Array) {
    this.#self = self
  }

  /** Nodes connected by v2 that are to stay. */
  get nodes(): number {
    let nodes = 0
    for (const { used } of this.#nodes.values()) if (used && !used.left) nodes++
    return nodes
  }

  get(peer: Peer): Session | undefined {
    return this.#sessions.get(peer)
  }

  /** All of them. */
  sessions(): readonly Session[] {
    return [...this.#sessions.values()]
  }

  /** The connection used to each v2 node. */
  used(): readonly Session[] {
    return [...this.#nodes.values()].flatMap(({ used }) => used ?? [])
  }

  to(key: Uint8Array): Session | undefined {
    return this.#nodes.get(toHex(key))?.used
  }

  isUsed(session: Session): boolean {
    return session.hex === undefined || this.#nodes.get(session.hex)?.used === session
  }

  /** The peer spoke: it has this connection too, and those that it replaces may end. */
  hear(session: Session): void {
    session.doubted = false
    if (session.heard) return
    session.heard = true
    retireReplaced(session)
  }

  open(peer: Peer): Opened {
    // v1 has no way to say why a connection ends, and its SDKs dial again at once: all are kept.
    const hex = peer.version === 2 && peer.key ? toHex(peer.key) : undefined
    const session: Session = {
      peer,
      hex,
      services: new Set(peer.services),
      servicesSeq: -1n,
      left: false,
      retired: false,
      heard: false,
      doubted: false,
      replaced: [],
      answered: new Set(),
      allowance: undefined,
    }
    this.#sessions.set(peer, session)
    if (hex === undefined) return { session, used: true, replaced: undefined }
    const replaced = this.#choose(session, hex)
    return { session, used: this.isUsed(session), replaced }
  }

  /** A connection takes no more calls; another to the same node is used from now on, where there is one. */
  retiring(peer: Peer): Session | undefined {
    const session = this.#sessions.get(peer)
    if (!session) return undefined
    session.retired = true
    const node = session.hex === undefined ? undefined : this.#nodes.get(session.hex)
    if (node?.used !== session) return undefined
    const successor = node.sessions.findLast(({ retired }) => !retired)
    if (successor) node.used = successor
    return successor
  }

  close(peer: Peer): Closed | undefined {
    const session = this.#sessions.get(peer)
    if (!session) return undefined
    this.#sessions.delete(peer)
    const { hex } = session
    const node = hex === undefined ? undefined : this.#nodes.get(hex)
    if (hex === undefined || !node) return { session, wasUsed: true, successor: undefined }
    node.sessions.splice(node.sessions.indexOf(session), 1)
    if (node.sessions.length === 0) this.#nodes.delete(hex)
    if (node.used !== session) return { session, wasUsed: false, successor: undefined }
    node.used = node.sessions.findLast(({ retired }) => !retired)
    return { session, wasUsed: true, successor: node.used }
  }

  /**
   * Of two connections to one node both sides use the one that the smaller key dialed. Of two that the
   * same side dialed, the newer: the older may be dead without having noticed. Which one is newer the
   * two sides may see differently, so only who dialed them ends one. A peer that comes again, and again
   * without a word over the one we would keep, has lost that one: after a network fell in two, its end
   * may be gone for long before ours notices.
   */
  #choose(session: Session, hex: string): Session | undefined {
    let node = this.#nodes.get(hex)
    if (!node) {
      node = { sessions: [], used: undefined }
      this.#nodes.set(hex, node)
    }
    const other = node.used
    node.sessions.push(session)
    const alike = other !== undefined && isOurs(other) === isOurs(session)
    if (other && !alike && this.#keeps(other, session)) {
      replace(session, other)
      return undefined
    }
    node.used = session
    if (other && (!alike || isOurs(session))) replace(other, session)
    const oldest = node.sessions.find(({ retired }) => !retired)
    if (node.sessions.length > MAX_TO_ONE_NODE && oldest) retire(oldest)
    return other
  }

  /** Whether a connection is kept though another way round was opened. */
  #keeps(kept: Session, other: Session): boolean {
    if (!this.#isPreferred(kept)) return false
    if (isOurs(other)) return true
    const isLost = kept.doubted
    kept.doubted = true
    return !isLost
  }

  #isPreferred(session: Session): boolean {
    const weAreSmaller = compareIds(this.#self, session.peer.key as Uint8Array) < 0
    return isOurs(session) === weAreSmaller
  }
}

function isOurs({ peer }: Session): boolean {
  return peer.dialed !== undefined
}

/**
 * Ends one connection for another, once the peer has that too: until then a call of the peer may be
 * under way on the one that ends, and would have nowhere else to go.
 */
function replace(session: Session, by: Session): void {
  by.replaced.push(session)
  if (by.heard) retireReplaced(by)
}

function retireReplaced(by: Session): void {
  for (const session of by.replaced.splice(0)) {
    retireReplaced(session)
    if (!session.retired) retire(session)
  }
}

function retire(session: Session): void {
  session.retired = true
  session.peer.retire(REASON)
}
