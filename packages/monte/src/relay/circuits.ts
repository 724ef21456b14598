import type { Reader } from '@flatend/wire'
import { equal } from '../equal.ts'
import type { Clock, DialSignal, Link } from '../ports.ts'
import { CircuitLink } from './circuit-link.ts'
import { PeerCircuits, type RelayPeer } from './circuit-table.ts'
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from './limits.ts'
import {
  broken,
  CIRCUIT_WINDOW,
  CLOSE,
  OPEN,
  REASON,
  RELAY,
  RESERVE,
  type Reservation,
  readClose,
  readOpen,
  readRelay,
  readReservation,
  readReserve,
  readWindow,
  STATUS,
  writeOpen,
  writeReservation,
} from './messages.ts'
import { Relay, type RelayMetrics } from './relay.ts'
import { refused } from './relay-error.ts'

/** Options of {@link createCircuits}. */
export interface CircuitsOptions {
  /** Our public key. */
  readonly self: Uint8Array
  readonly clock: Clock
  /** Runs a task once the current tick's work is done. */
  readonly defer: (task: () => void) => void
  /** Somebody reached us through a relay where we have a reservation: a session opens inside. */
  readonly onLink: (link: Link, relay: RelayPeer) => void
  /** Serve others as a relay. @default false */
  readonly relay?: boolean
  readonly limits?: Partial<RelayLimits>
}

/** A message of a peer. */
export interface RelayMessage {
  /** 0 expects no answer. */
  readonly seq: number
  readonly opcode: number
  readonly body: Reader
}

/** Circuits of a node: those it opens, those that reach it, those it carries for others. */
export interface Circuits {
  readonly metrics: RelayMetrics
  /**
   * A message of a peer. Returns false where its opcode is not of relays.
   * @throws RemoteProtocolError where the peer broke the rules: end the connection
   */
  receive(peer: RelayPeer, message: RelayMessage): boolean
  /** Whether circuits run over a connection, or this node is reached through it: it is no idle one. */
  uses(peer: RelayPeer): boolean
  /** Calls once no circuit runs over a connection, or those that do had ten minutes to end. */
  whenFree(peer: RelayPeer, onFree: () => void): void
  /** A connection ended. */
  closed(peer: RelayPeer): void
  /** A link to a node that has a reservation at a relay. Rejects with a {@link RelayError}, or the signal's reason. */
  open(
    relay: RelayPeer,
    target: Uint8Array,
    options: { readonly signal: DialSignal },
  ): Promise<Link>
  /** Asks a relay to be reached through it; 0 seconds to be no longer. Nothing where it will not. */
  reserve(relay: RelayPeer, seconds: number, onAnswer: (reservation?: Reservation) => void): void
  stop(): void
}

/** How long circuits may hold a connection that is to end, in milliseconds. */
const HELD = 600_000

/** Makes the circuits of a node, over connections that it is told of by their messages. */
export function createCircuits(options: CircuitsOptions): Circuits {
  return new NodeCircuits(options)
}

class NodeCircuits implements Circuits {
  readonly #options: CircuitsOptions
  readonly #peers = new Map<RelayPeer, PeerCircuits>()
  /** Where we have a reservation. */
  readonly #relays = new Set<RelayPeer>()
  readonly #relay: Relay
  readonly #limits: RelayLimits

  constructor(options: CircuitsOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_RELAY_LIMITS, ...options.limits }
    this.#relay = new Relay({
      clock: options.clock,
      limits: this.#limits,
      circuitsOf: (peer) => this.#of(peer),
    })
  }

  get metrics(): RelayMetrics {
    return this.#relay.metrics
  }

  receive(peer: RelayPeer, message: RelayMessage): boolean {
    if (peer.version !== 2) return false
    const { seq, opcode, body } = message
    if (opcode === RELAY) {
      const { circuit, bytes } = readRelay(body)
      this.#of(peer).get(circuit)?.onData(bytes)
    } else if (opcode === CIRCUIT_WINDOW) {
      const { circuit, value } = readWindow(body)
      this.#of(peer).get(circuit)?.onWindow(value)
    } else if (opcode === CLOSE) this.#onClose(peer, body)
    else if (opcode === OPEN) this.#onOpen(peer, seq, body)
    else if (opcode === RESERVE) this.#onReserve(peer, seq, body)
    else return false
    return true
  }

  uses(peer: RelayPeer): boolean {
    return this.#relays.has(peer) || (this.#peers.get(peer)?.size ?? 0) > 0
  }

  whenFree(peer: RelayPeer, onFree: () => void): void {
    const circuits = this.#peers.get(peer)
    if (!circuits || circuits.size === 0) return onFree()
    const { clock, defer } = this.#options
    const free = (): void => {
      timer.cancel()
      circuits.onEmpty = undefined
      onFree()
    }
    const timer = clock.schedule(HELD, free)
    // What told of the end may have more to say, and another circuit may have begun.
    circuits.onEmpty = () => defer(() => circuits.onEmpty && circuits.size === 0 && free())
  }

  closed(peer: RelayPeer): void {
    this.#relays.delete(peer)
    this.#relay.closed(peer)
    const circuits = this.#peers.get(peer)
    this.#peers.delete(peer)
    circuits?.clear(REASON.gone)
  }

  open(
    relay: RelayPeer,
    target: Uint8Array,
    { signal }: { readonly signal: DialSignal },
  ): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const circuit = this.#of(relay).number()
      const link = this.#link(relay, circuit)
      const abort = (): void => {
        link.destroy()
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      relay.request(
        OPEN,
        (writer) => writeOpen(writer, { circuit, target }),
        (status) => {
          signal.removeEventListener('abort', abort)
          if (status === STATUS.ok) return resolve(link)
          this.#peers.get(relay)?.delete(circuit)
          reject(refused(status))
        },
      )
    })
  }

  reserve(relay: RelayPeer, seconds: number, onAnswer: (reservation?: Reservation) => void): void {
    // The relay may open a circuit before its answer is read.
    if (seconds > 0) this.#relays.add(relay)
    else this.#relays.delete(relay)
    relay.request(
      RESERVE,
      (writer) => writer.u32(seconds),
      (status, body) => {
        if (status === STATUS.ok && body) return onAnswer(readReservation(body))
        this.#relays.delete(relay)
        onAnswer()
      },
    )
  }

  stop(): void {
    this.#relay.stop()
    this.#relays.clear()
  }

  #of(peer: RelayPeer): PeerCircuits {
    let circuits = this.#peers.get(peer)
    if (!circuits) {
      circuits = new PeerCircuits(peer, this.#options.clock)
      this.#peers.set(peer, circuits)
    }
    return circuits
  }

  #link(peer: RelayPeer, circuit: number): CircuitLink {
    const circuits = this.#of(peer)
    const link = new CircuitLink({
      relay: (bytes) => circuits.relay(circuit, bytes),
      window: (bytes) => circuits.window(circuit, bytes),
      close: (reason) => circuits.close(circuit, reason),
      forget: () => circuits.delete(circuit),
      defer: this.#options.defer,
    })
    circuits.add(circuit, link)
    return link
  }

  #onClose(peer: RelayPeer, body: Reader): void {
    const { circuit, value } = readClose(body)
    const circuits = this.#of(peer)
    const end = circuits.get(circuit)
    if (value !== REASON.end) circuits.delete(circuit)
    end?.onClose(value)
  }

  #onReserve(peer: RelayPeer, seq: number, body: Reader): void {
    const seconds = readReserve(body)
    if (seq === 0) throw broken('a RESERVE that wants no answer')
    if (!this.#options.relay) return peer.reply(seq, STATUS.unsupported)
    if (!this.#of(peer).mayAsk()) return peer.reply(seq, STATUS.rateLimited)
    const answer = this.#relay.reserve(peer, seconds)
    if ('status' in answer) return peer.reply(seq, answer.status)
    peer.reply(seq, STATUS.ok, (writer) => writeReservation(writer, answer))
  }

  #onOpen(peer: RelayPeer, seq: number, body: Reader): void {
    const { circuit, target } = readOpen(body)
    if (seq === 0) throw broken('an OPEN that wants no answer')
    const circuits = this.#of(peer)
    circuits.expectFree(circuit)
    if (!circuits.mayAsk()) return peer.reply(seq, STATUS.rateLimited)
    if (equal(target, this.#options.self)) this.#onCircuit(peer, seq, circuit)
    else if (!this.#options.relay) peer.reply(seq, STATUS.unsupported)
    else this.#relay.open(peer, { circuit, target }, (status) => peer.reply(seq, status))
  }

  /** Somebody wants to reach this node through a relay that it asked for that. */
  #onCircuit(peer: RelayPeer, seq: number, circuit: number): void {
    if (!this.#relays.has(peer)) return peer.reply(seq, STATUS.noReservation)
    if (this.#of(peer).size >= this.#limits.maxCircuitsPerPeer) return peer.reply(seq, STATUS.full)
    const link = this.#link(peer, circuit)
    peer.reply(seq, STATUS.ok)
    this.#options.onLink(link, peer)
  }
}
