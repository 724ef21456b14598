import type { Peer as DiscoveryPeer } from '@flatend/kademlia'
import type { Channel, ChannelReceiver, Hello } from '@flatend/monte'
import type { Connection } from '@flatend/rpc'
import { type Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import { PeerId } from './peer-id.ts'
import { puzzleOf } from './puzzles.ts'

/** Reply status for an opcode this node does not know (docs/protocol.md §3). */
const UNSUPPORTED = 7
/** END codes: an orderly close, a malformed message, a flow control violation. */
const END_ORDERLY = 0
const END_MALFORMED = 2
const END_FLOW_CONTROL = 3

/** What a peer needs of the mesh it belongs to. */
export interface PeerOwner {
  connectionFor(peer: MeshPeer): Connection
  opened(peer: MeshPeer): void
  /** Circuits of others, or of ours, run over it. */
  carries(peer: MeshPeer): boolean
  /** It takes no more calls. `onFree` is called once circuits need it no more. */
  retiring(peer: MeshPeer, onFree: () => void): void
  received(peer: MeshPeer, message: Message): boolean
  closed(peer: MeshPeer, error: Error | undefined): void
}

/** Whoever dialed wants to know how it went. */
export interface DialOutcome {
  opened(peer: MeshPeer): void
  failed(error: Error): void
}

/** Where a connection came from. */
export interface PeerOrigin {
  /** What this node dialed; nothing where the peer came to us. */
  readonly dialed?: string
  readonly outcome?: DialOutcome
  readonly relayed?: boolean
}

/** A message for discovery. */
export interface Message {
  readonly seq: number
  readonly opcode: number
  readonly body: Reader
}

/**
 * One connection to another node: the session below, streams and discovery above. Every message
 * comes through here once and goes to whom its opcode belongs to.
 */
export class MeshPeer implements DiscoveryPeer, ChannelReceiver {
  /** The `host:port` this node dialed, or `undefined` where the peer came to us. */
  readonly dialed: string | undefined
  readonly #owner: PeerOwner
  #channel: Channel | undefined
  #connection: Connection | undefined
  #id: PeerId | undefined
  #services: readonly string[] = []

  /** It is reached through a relay, or reached us through one. */
  readonly relayed: boolean
  readonly #dial: DialOutcome | undefined
  #retired = false

  constructor(owner: PeerOwner, { dialed, outcome, relayed = false }: PeerOrigin = {}) {
    this.#owner = owner
    this.dialed = dialed
    this.relayed = relayed
    this.#dial = outcome
  }

  /** The session; set right after it was made, before anything can arrive. */
  attach(channel: Channel): void {
    this.#channel = channel
  }

  get channel(): Channel {
    if (!this.#channel) throw new TypeError('the peer has no channel yet')
    return this.#channel
  }

  /** Streams of this connection; there once the session is open. */
  get connection(): Connection {
    if (!this.#connection) throw new TypeError('the session is not open yet')
    return this.#connection
  }

  get hello(): Hello {
    return this.channel.peer
  }

  get id(): PeerId {
    const { publicKey, address } = this.hello
    this.#id ??= new PeerId(publicKey ?? new Uint8Array(0), address)
    return this.#id
  }

  get key(): Uint8Array | undefined {
    return this.hello.publicKey
  }

  get address(): Hello['address'] {
    return this.hello.address
  }

  get remote(): Hello['address'] {
    return this.channel.remote
  }

  get puzzle(): Uint8Array | undefined {
    return puzzleOf(this.hello.metadata)
  }

  get version(): 1 | 2 {
    return this.channel.version
  }

  /** What the peer offered in its hello. Changes since are discovery's to know. */
  get services(): readonly string[] {
    return this.#services
  }

  get untold(): readonly string[] {
    return this.channel.unsentServices
  }

  get calls(): number {
    const { callsMade, callsReceived } = this.connection.stats
    return callsMade + callsReceived
  }

  /** We dialed: what has numbers has odd ones of ours. */
  get dialer(): boolean {
    return this.channel.dialer
  }

  /** It takes no more calls, and ends when those that run are done. */
  get isRetired(): boolean {
    return this.#retired
  }

  get isBusy(): boolean {
    return !this.connection.idle || this.#owner.carries(this)
  }

  // --- Discovery speaks through these. ---

  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void {
    this.channel.request(opcode, write, onReply)
  }

  reply(seq: number, status: number, write?: (writer: Writer) => void): void {
    this.channel.reply(seq, status, write)
  }

  send(opcode: number, write: (writer: Writer) => void, payload?: Uint8Array): void {
    const { channel } = this
    try {
      write(channel.begin(0, opcode))
    } catch (error) {
      channel.abort()
      throw error
    }
    channel.end(payload)
  }

  close(reason: string): void {
    this.channel.close(END_ORDERLY, reason)
  }

  /** Takes no more calls, lets those under way finish, and circuits; then closes. */
  retire(reason: string): void {
    if (this.#retired) return
    this.#retired = true
    this.connection.goAway(reason)
    this.#owner.retiring(this, () => this.#closeOnceIdle(reason))
  }

  #closeOnceIdle(reason: string): void {
    const { connection } = this
    if (connection.idle) {
      this.close(reason)
      return
    }
    // A shutdown may be waiting for the same.
    const { onIdle } = connection
    connection.onIdle = () => {
      onIdle?.()
      this.close(reason)
    }
  }

  // --- The session tells. ---

  onOpen(hello: Hello): void {
    this.#services = hello.services
    this.#connection = this.#owner.connectionFor(this)
    // The peer takes no more calls, or the numbers of streams are used up: another takes its place.
    this.#connection.onRetire = () => this.retire('this connection takes no more calls')
    this.#owner.opened(this)
    this.#dial?.opened(this)
  }

  onMessage(seq: number, opcode: number, body: Reader): void {
    try {
      if (this.connection.receive(opcode, body)) return
      if (this.#owner.received(this, { seq, opcode, body })) return
      if (seq !== 0 && this.version === 2) this.channel.reply(seq, UNSUPPORTED)
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error
      this.channel.fail(endCodeOf(error), error)
    }
  }

  onDrain(): void {
    this.#connection?.onDrain()
  }

  onClose(error: Error | undefined): void {
    this.#connection?.closed(error)
    this.#owner.closed(this, error)
    // Without effect where the session had opened: a promise settles once.
    this.#dial?.failed(error ?? new Error('the peer closed the connection'))
  }
}

function endCodeOf({ code }: RemoteProtocolError): number {
  return code === 'FLATEND_RPC_FLOW_CONTROL_VIOLATED' ? END_FLOW_CONTROL : END_MALFORMED
}
