import type { Connections, Session } from './connections.ts'
import type { Contact } from './contact.ts'
import { ID_BITS, toHex } from './id.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { Membership } from './membership.ts'
import type { Clock, Timer } from './ports.ts'
import type { RoutingTable } from './routing-table.ts'

/** From one look at the connections to the next, in milliseconds. */
const TICK = 15_000
/** A full mesh that was left is entered again below so much of its limit (discovery §1: 48 of 64). */
const ENTER = 0.75
/** Contacts of each bucket that are kept connected, besides the siblings. */
const PER_BUCKET = 2
/** Contacts that are dialed at a time to be kept. */
const MAX_DIALED = 8
const REASON = 'nothing happened on this connection'

/** What {@link WarmPool} works with. */
export interface WarmPoolContext {
  readonly table: RoutingTable
  readonly connections: Connections
  readonly membership: Membership
  readonly clock: Clock
  readonly limits: DiscoveryLimits
  /** Whether a connection is needed even when nothing is said on it. */
  readonly isNeeded: (key: Uint8Array) => boolean
}

interface Use {
  /** Calls there were on the connection when it was looked at last. */
  calls: number
  /** When something happened last, by the clock. */
  at: number
}

/**
 * Which connections a node keeps when the mesh is too large to have one to everybody: its siblings, a
 * few of each bucket, and what is in use. Only who dialed a connection closes it for being idle: who
 * is nobody's sibling here may be one there.
 */
export class WarmPool {
  readonly #context: WarmPoolContext
  #uses = new Map<Session, Use>()
  #timer: Timer | undefined

  constructor(context: WarmPoolContext) {
    this.#context = context
  }

  start(): void {
    this.#timer = this.#context.clock.schedule(TICK, () => {
      this.#tick()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #tick(): void {
    const { membership, connections, limits, table } = this.#context
    const known = Math.max(connections.nodes, table.size)
    if (known > limits.maxFullMesh) membership.sparse = true
    else if (known <= limits.maxFullMesh * ENTER) membership.sparse = false
    if (membership.sparse) this.#thin()
    else this.#uses.clear()
  }

  #thin(): void {
    const { connections, clock, limits, membership } = this.#context
    const warm = this.#warm()
    const now = clock.now()
    const uses = new Map<Session, Use>()
    const spare: Session[] = []
    const open = connections.used().filter(({ retired }) => !retired)
    for (const session of open) {
      const use = this.#useOf(session, now)
      uses.set(session, use)
      if (this.#mayClose(session, warm)) spare.push(session)
    }
    this.#uses = uses
    const idleSince = (session: Session): number => uses.get(session)?.at ?? now
    spare.sort((a, b) => idleSince(a) - idleSince(b))
    let surplus = open.length - limits.maxWarm
    for (const session of spare) {
      if (surplus-- <= 0 && now - idleSince(session) < limits.idleMs) break
      if (!membership.release(session.peer)) continue
      session.retired = true
      session.peer.retire(REASON)
    }
    const missing = [...warm.values()].filter(({ key }) => !connections.to(key))
    for (const contact of missing.slice(0, MAX_DIALED)) membership.keep(contact)
  }

  #useOf(session: Session, now: number): Use {
    const { calls = 0, isBusy = false } = session.peer
    const known = this.#uses.get(session)
    if (known && known.calls === calls && !isBusy) return known
    return { calls, at: now }
  }

  #mayClose({ peer, hex, left }: Session, warm: ReadonlyMap<string, Contact>): boolean {
    if (peer.dialed === undefined || !peer.key || hex === undefined) return false
    if (left || peer.isBusy === true || warm.has(hex)) return false
    return !this.#context.isNeeded(peer.key)
  }

  #warm(): Map<string, Contact> {
    const { table, connections } = this.#context
    const warm = new Map(table.siblings().map((one) => [toHex(one.key), one]))
    for (let prefix = 0; prefix < ID_BITS; prefix++) {
      const bucket = table.bucket(prefix)
      const open = bucket.filter(({ key }) => connections.to(key))
      // Who is connected anyway comes first, then who was seen last.
      const chosen = [...bucket.filter((one) => !open.includes(one)), ...open].slice(-PER_BUCKET)
      for (const one of chosen) warm.set(toHex(one.key), one)
    }
    return warm
  }
}
