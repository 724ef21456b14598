import type { Reader } from '@flatend/wire'
import type { Address } from '../contact.ts'
import type { IncomingMessage } from '../messages.ts'
import type { Network, Peer } from '../ports.ts'

/** Hears what a network has to tell, as `Discovery` does. */
export interface NetworkReceiver {
  connected(peer: Peer): void
  disconnected(peer: Peer): void
  /** `message.body` is read before this returns. A RemoteProtocolError ends the connection. */
  receive(peer: Peer, message: IncomingMessage): boolean
}

/** What a node of a scene is to be. */
export interface NodeSpec {
  /** Told of every connection, in place of a `Discovery`. */
  readonly receiver: NetworkReceiver
  /** What its hello offers. */
  readonly services: readonly string[]
}

/** A node that can dial and be dialed. */
export interface NetworkNode {
  readonly network: Network
  /** The public key it proves. */
  readonly key: Uint8Array
  /** Where it says that it may be dialed, and can be. */
  readonly address: Address
}

/** Two nodes, not connected, and time. */
export interface NetworkScene {
  readonly near: NetworkNode
  readonly far: NetworkNode
  /** `host:port` where nobody takes connections. */
  readonly nobody: string
  /** Lets a little time pass: a millisecond or so, real or virtual, and what waits on promises. */
  turn(): Promise<void>
  /** Lets go of what the nodes hold. */
  close?(): void | Promise<void>
}

/** Makes two nodes. */
export type MakeNetwork = (specs: {
  readonly near: NodeSpec
  readonly far: NodeSpec
}) => NetworkScene | Promise<NetworkScene>

/** One promise a network makes. */
export interface NetworkCase {
  readonly name: string
  /** @throws Error where the promise is not kept */
  readonly run: (make: MakeNetwork) => Promise<void>
}

/** A message in a form that can be kept. */
export interface Kept {
  readonly peer: Peer
  readonly seq: number
  readonly opcode: number
  readonly body: Uint8Array
}

/** Keeps everything a network tells, and what it tells at a wrong time. */
export class Recorder implements NetworkReceiver {
  /** Every peer that was connected, in order. */
  readonly connects: Peer[] = []
  readonly ended: Peer[] = []
  readonly messages: Kept[] = []
  readonly faults: string[] = []
  whenConnected: (peer: Peer) => void = () => undefined
  whenReceived: (message: Kept) => void = () => undefined

  connected(peer: Peer): void {
    if (this.connects.includes(peer)) this.faults.push('a peer is connected twice')
    this.connects.push(peer)
    this.whenConnected(peer)
  }

  disconnected(peer: Peer): void {
    if (!this.connects.includes(peer)) this.faults.push('a peer ends that was never connected')
    if (this.ended.includes(peer)) this.faults.push('a peer ends twice')
    this.ended.push(peer)
  }

  receive(peer: Peer, { seq, opcode, body }: IncomingMessage): boolean {
    if (!this.connects.includes(peer)) this.faults.push('a message comes before its peer')
    if (this.ended.includes(peer)) this.faults.push('a message comes after its peer ended')
    const message = { peer, seq, opcode, body: copy(body) }
    this.messages.push(message)
    this.whenReceived(message)
    return true
  }

  /** Peers that are connected now. */
  get open(): readonly Peer[] {
    return this.connects.filter((peer) => !this.ended.includes(peer))
  }
}

/** What came of a request, in a form that can be kept. */
export class Answer {
  readonly statuses: number[] = []
  body: Uint8Array | undefined
  whenHeard: () => void = () => undefined
  readonly hear = (status: number, body?: Reader): void => {
    this.statuses.push(status)
    this.body = body && copy(body)
    this.whenHeard()
  }

  get heard(): boolean {
    return this.statuses.length > 0
  }
}

function copy(body: Reader): Uint8Array {
  return body.rest().slice()
}
