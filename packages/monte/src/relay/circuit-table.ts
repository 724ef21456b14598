import { type Reader, TokenBucket, type Writer } from '@flatend/wire'
import type { Clock } from '../ports.ts'
import { broken, CIRCUIT_WINDOW, CLOSE, RELAY, writeRelayHead } from './messages.ts'

/** A connection that circuits run over. */
export interface RelayPeer {
  /** Proven public key. */
  readonly key: Uint8Array | undefined
  readonly version: 1 | 2
  /** We connected: our circuits have odd numbers. */
  readonly dialer: boolean
  /** The connection is a circuit itself, over which none are opened. */
  readonly relayed: boolean
  /** Asks; `onReply` gets a status, or -1 where no answer came. */
  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void
  reply(seq: number, status: number, write?: (writer: Writer) => void): void
  /** Says something that wants no answer; `payload` is left unchanged from now on. */
  send(opcode: number, write: (writer: Writer) => void, payload?: Uint8Array): void
}

/** Where messages of a circuit go. */
export interface CircuitEnd {
  onData(bytes: Uint8Array): void
  onWindow(bytes: number): void
  /** `end` is of one direction; after any other nothing more comes. */
  onClose(reason: number): void
}

/** Messages for circuits that are gone: each may have been under way when it ended. */
const STRAYS = { perSecond: 200, burst: 2_048 }
/** Questions of a peer: RESERVE and OPEN. */
const QUESTIONS = { perSecond: 16, burst: 128 }
const MAX_CIRCUIT = 0xffff_ffff

/** The circuits of one connection, by their numbers. */
export class PeerCircuits {
  readonly #peer: RelayPeer
  readonly #clock: Pick<Clock, 'now'>
  readonly #ends = new Map<number, CircuitEnd>()
  readonly #strays: TokenBucket
  readonly #questions: TokenBucket
  /** Called whenever the last of them is gone. */
  onEmpty: (() => void) | undefined
  #next: number

  constructor(peer: RelayPeer, clock: Pick<Clock, 'now'>) {
    this.#peer = peer
    this.#clock = clock
    this.#strays = new TokenBucket(STRAYS, clock.now())
    this.#questions = new TokenBucket(QUESTIONS, clock.now())
    this.#next = peer.dialer ? 1 : 2
  }

  get size(): number {
    return this.#ends.size
  }

  /** Whether the peer may ask for one more thing now. */
  mayAsk(): boolean {
    return this.#questions.take(this.#clock.now())
  }

  /** A number for a circuit of ours. */
  number(): number {
    const circuit = this.#next
    this.#next = circuit + 2 > MAX_CIRCUIT ? 2 - (circuit % 2) : circuit + 2
    return this.#ends.has(circuit) ? this.number() : circuit
  }

  /** @throws RemoteProtocolError where that number is not the peer's to use */
  expectFree(circuit: number): void {
    const isOurs = (circuit % 2 === 1) === this.#peer.dialer
    if (circuit === 0 || isOurs || this.#ends.has(circuit))
      throw broken(`an OPEN of circuit ${circuit}, which is not its to open`)
  }

  add(circuit: number, end: CircuitEnd): void {
    this.#ends.set(circuit, end)
  }

  delete(circuit: number): void {
    if (this.#ends.delete(circuit) && this.#ends.size === 0) this.onEmpty?.()
  }

  /** @throws RemoteProtocolError where the peer keeps naming circuits that there are not */
  get(circuit: number): CircuitEnd | undefined {
    const end = this.#ends.get(circuit)
    if (!end && !this.#strays.take(this.#clock.now()))
      throw broken('message after message for circuits there are not')
    return end
  }

  /** The connection is gone. */
  clear(reason: number): void {
    const ends = [...this.#ends.values()]
    this.#ends.clear()
    for (const end of ends) end.onClose(reason)
    this.onEmpty?.()
  }

  relay(circuit: number, bytes: Uint8Array): void {
    this.#peer.send(RELAY, (writer) => writeRelayHead(writer, { circuit, bytes }), bytes)
  }

  window(circuit: number, bytes: number): void {
    this.#peer.send(CIRCUIT_WINDOW, (writer) => writer.u32(circuit).u32(bytes))
  }

  close(circuit: number, reason: number): void {
    this.#peer.send(CLOSE, (writer) => writer.u32(circuit).u8(reason))
  }
}
