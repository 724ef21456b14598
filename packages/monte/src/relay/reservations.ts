import type { Clock, Timer } from '../ports.ts'
import type { RelayPeer } from './circuit-table.ts'
import type { Circuits } from './circuits.ts'

/** Relays that a node is reached through. */
const WANTED = 3
/** How long one is asked for, in seconds. */
const ASKED = 3_600
/** A promise is renewed when less than this part of it is left. */
const RENEW = 0.5
/** Who would not is not asked again for so long, in milliseconds. */
const SKIP = 600_000
/** How often it is looked at, in milliseconds. */
const TICK = 30_000

/** Options of {@link Reservations}. */
export interface ReservationsOptions {
  readonly circuits: Circuits
  readonly clock: Clock
  /** Peers that can be dialed where they say, whom to ask first in front. */
  readonly candidates: () => readonly RelayPeer[]
  /** The relays this node is reached through changed. */
  readonly onChange: (relays: readonly RelayPeer[]) => void
}

interface Held {
  /** When the promise ends, by the clock. */
  until: number
  /** When to renew it. */
  renewAt: number
}

/** Keeps up to three relays, while this node needs any. */
export class Reservations {
  readonly #options: ReservationsOptions
  readonly #held = new Map<RelayPeer, Held>()
  readonly #asked = new Set<RelayPeer>()
  readonly #skipped = new Map<RelayPeer, number>()
  #needed = false
  #timer: Timer | undefined

  constructor(options: ReservationsOptions) {
    this.#options = options
  }

  /** Whether nobody can dial this node. */
  need(needed: boolean): void {
    if (needed === this.#needed) return
    this.#needed = needed
    if (needed) this.#tick()
    else this.stop()
  }

  /** A peer connected. */
  opened(): void {
    if (this.#needed) this.#fill()
  }

  /** A connection is gone. */
  closed(peer: RelayPeer): void {
    this.#skipped.delete(peer)
    this.#asked.delete(peer)
    if (!this.#held.delete(peer)) return
    this.#changed()
    this.#fill()
  }

  /** Gives back what is held. */
  stop(): void {
    this.#timer?.cancel()
    const held = [...this.#held.keys()]
    this.#held.clear()
    for (const relay of held) this.#options.circuits.reserve(relay, 0, () => undefined)
    if (held.length > 0) this.#changed()
  }

  #tick(): void {
    const { clock } = this.#options
    const now = clock.now()
    for (const [peer, until] of this.#skipped) if (until <= now) this.#skipped.delete(peer)
    for (const [relay, { until, renewAt }] of this.#held) {
      if (until <= now) this.#drop(relay)
      else if (renewAt <= now) this.#ask(relay)
    }
    this.#fill()
    this.#timer = clock.schedule(TICK, () => this.#tick())
  }

  #fill(): void {
    if (!this.#needed) return
    for (const peer of this.#options.candidates()) {
      if (this.#held.size + this.#asked.size >= WANTED) return
      const known = this.#held.has(peer) || this.#asked.has(peer) || this.#skipped.has(peer)
      if (!known && !peer.relayed) this.#ask(peer)
    }
  }

  #ask(relay: RelayPeer): void {
    const { circuits, clock } = this.#options
    if (this.#asked.has(relay)) return
    this.#asked.add(relay)
    circuits.reserve(relay, ASKED, (reservation) => {
      // Its connection may be gone, or nobody be needed any more.
      if (!this.#asked.delete(relay) || !this.#needed) return
      if (!reservation || reservation.ttl === 0) {
        this.#skipped.set(relay, clock.now() + SKIP)
        this.#drop(relay)
        this.#fill()
        return
      }
      const isNew = !this.#held.has(relay)
      const ms = reservation.ttl * 1_000
      const now = clock.now()
      this.#held.set(relay, { until: now + ms, renewAt: now + ms * RENEW })
      if (isNew) this.#changed()
    })
  }

  #drop(relay: RelayPeer): void {
    if (this.#held.delete(relay)) this.#changed()
  }

  #changed(): void {
    this.#options.onChange([...this.#held.keys()])
  }
}
