import type { Clock, Timer } from '../ports.ts'
import type { CircuitEnd, PeerCircuits, RelayPeer } from './circuit-table.ts'
import { hexOf } from './hex.ts'
import type { RelayLimits } from './limits.ts'
import {
  costOf,
  OPEN,
  type OpenRequest,
  REASON,
  type Reservation,
  STATUS,
  WINDOW,
  writeOpen,
} from './messages.ts'

/** What a relay did for others. */
export interface RelayMetrics {
  /** Nodes that are reached through this one now. */
  readonly reservations: number
  /** Circuits through this node now. */
  readonly circuits: number
  /** Circuits there were. */
  readonly opened: number
  /** Bytes carried. */
  readonly bytes: number
  /** Reservations and circuits that were refused. */
  readonly refused: number
}

/** What {@link Relay} works with. */
export interface RelayContext {
  readonly clock: Clock
  readonly limits: RelayLimits
  readonly circuitsOf: (peer: RelayPeer) => PeerCircuits
}

interface Promised {
  readonly peer: RelayPeer
  readonly until: number
}

/** A circuit through this node. */
interface Through {
  bytes: number
  timer: Timer | undefined
  readonly sides: Side[]
}

/** Carries bytes between nodes that cannot reach each other; it cannot read them. */
export class Relay {
  readonly #context: RelayContext
  /** By the hex of their key. */
  readonly #reservations = new Map<string, Promised>()
  readonly #circuits = new Set<Through>()
  #opened = 0
  #bytes = 0
  #refused = 0

  constructor(context: RelayContext) {
    this.#context = context
  }

  get metrics(): RelayMetrics {
    this.#forgetOver()
    return {
      reservations: this.#reservations.size,
      circuits: this.#circuits.size,
      opened: this.#opened,
      bytes: this.#bytes,
      refused: this.#refused,
    }
  }

  /** A peer wants to be reached through this node for so many seconds, 0 for no longer. */
  reserve(peer: RelayPeer, seconds: number): Reservation | { readonly status: number } {
    const { limits, clock } = this.#context
    if (peer.relayed || !peer.key) return this.#refuse(STATUS.denied)
    const hex = hexOf(peer.key)
    if (seconds === 0) {
      this.#reservations.delete(hex)
      return { ttl: 0, maxCircuits: 0 }
    }
    if (!this.#reservations.has(hex)) {
      this.#forgetOver()
      if (this.#reservations.size >= limits.maxReservations) return this.#refuse(STATUS.full)
    }
    const ttl = Math.min(seconds, limits.reservationSeconds)
    this.#reservations.set(hex, { peer, until: clock.now() + ttl * 1_000 })
    return { ttl, maxCircuits: limits.maxCircuitsPerPeer }
  }

  /** A peer wants a circuit; it is told how that went. */
  open(peer: RelayPeer, asked: OpenRequest, answer: (status: number) => void): void {
    const { limits, clock, circuitsOf } = this.#context
    const { circuit, target } = asked
    const promised = this.#reservations.get(hexOf(target))
    const refuse = (status: number): void => answer(this.#refuse(status).status)
    if (peer.relayed) return refuse(STATUS.denied)
    if (!promised || promised.until <= clock.now() || promised.peer === peer)
      return refuse(STATUS.noReservation)
    const [near, far] = [circuitsOf(peer), circuitsOf(promised.peer)]
    const most = Math.max(near.size, far.size)
    if (this.#circuits.size >= limits.maxCircuits || most >= limits.maxCircuitsPerPeer)
      return refuse(STATUS.full)
    const through: Through = { bytes: 0, timer: undefined, sides: [] }
    const sides = [new Side(near, circuit), new Side(far, far.number())] as const
    through.sides.push(...sides)
    this.#join(through, sides)
    promised.peer.request(
      OPEN,
      (writer) => writeOpen(writer, { circuit: sides[1].circuit, target }),
      (status) => {
        // It may have ended while the target was asked.
        if (!this.#circuits.has(through)) return answer(STATUS.noReservation)
        if (status === STATUS.ok) this.#opened++
        else this.#end(through)
        answer(status === STATUS.ok ? STATUS.ok : this.#refuse(STATUS.noReservation).status)
      },
    )
  }

  /** A connection is gone; its circuits are told by their table. */
  closed(peer: RelayPeer): void {
    const hex = peer.key && hexOf(peer.key)
    if (hex !== undefined && this.#reservations.get(hex)?.peer === peer)
      this.#reservations.delete(hex)
  }

  stop(): void {
    for (const through of this.#circuits) through.timer?.cancel()
    this.#circuits.clear()
    this.#reservations.clear()
  }

  #join(through: Through, [near, far]: readonly [Side, Side]): void {
    const { limits, clock } = this.#context
    const cut = (reason: number): void => {
      for (const side of through.sides) side.tell(reason)
      this.#end(through)
    }
    const carried = (bytes: number): boolean => {
      through.bytes += bytes
      this.#bytes += bytes
      if (through.bytes <= limits.maxCircuitBytes) return true
      cut(REASON.bytes)
      return false
    }
    const over = (): void => this.#end(through)
    near.join({ other: far, carried, cut, over })
    far.join({ other: near, carried, cut, over })
    through.timer = clock.schedule(limits.maxCircuitMs, () => cut(REASON.time))
    this.#circuits.add(through)
  }

  #end(through: Through): void {
    through.timer?.cancel()
    this.#circuits.delete(through)
    for (const side of through.sides) side.forget()
  }

  #refuse(status: number): { readonly status: number } {
    this.#refused++
    return { status }
  }

  #forgetOver(): void {
    const now = this.#context.clock.now()
    for (const [hex, { until }] of this.#reservations)
      if (until <= now) this.#reservations.delete(hex)
  }
}

interface Joined {
  readonly other: Side
  /** Counts bytes; false where the circuit ended for them. */
  readonly carried: (bytes: number) => boolean
  /** Ends both directions, and tells both ends why. */
  readonly cut: (reason: number) => void
  /** Both directions have ended. */
  readonly over: () => void
}

/** One of the two connections of a circuit: what its peer says goes to the other. */
class Side implements CircuitEnd {
  readonly circuit: number
  readonly #circuits: PeerCircuits
  #joined: Joined | undefined
  /** Bytes its peer may still send: nobody is sent more than it said that it takes. */
  #credit = WINDOW
  #ended = false

  constructor(circuits: PeerCircuits, circuit: number) {
    this.#circuits = circuits
    this.circuit = circuit
  }

  join(joined: Joined): void {
    this.#joined = joined
    this.#circuits.add(this.circuit, this)
  }

  onData(bytes: Uint8Array): void {
    const { other, carried, cut } = this.#joined as Joined
    this.#credit -= costOf(bytes.length)
    if (this.#credit < 0 || this.#ended) cut(REASON.flow)
    else if (carried(bytes.length)) other.#circuits.relay(other.circuit, bytes)
  }

  onWindow(bytes: number): void {
    const { other, cut } = this.#joined as Joined
    other.#credit += bytes
    if (other.#credit > WINDOW) cut(REASON.flow)
    else other.#circuits.window(other.circuit, bytes)
  }

  onClose(reason: number): void {
    const { other, over } = this.#joined as Joined
    other.tell(reason)
    this.#ended = true
    if (reason !== REASON.end || other.#ended) over()
  }

  /** Tells its peer that a direction, or all of it, is over. */
  tell(reason: number): void {
    this.#circuits.close(this.circuit, reason)
  }

  forget(): void {
    this.#circuits.delete(this.circuit)
  }
}
