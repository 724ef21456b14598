import type { Reader, Writer } from '@flatend/wire'
import type { Address } from './contact.ts'

/** A timer that was set. */
export interface Timer {
  cancel(): void
}

/** Time: milliseconds that never go back, and timers. */
export interface Clock {
  now(): number
  schedule(delayMs: number, callback: () => void): Timer
}

/** A node this one is connected to. */
export interface Peer {
  /** Proven public key; `undefined` for an anonymous v1 peer. */
  readonly key: Uint8Array | undefined
  /** Where it says that it may be dialed. */
  readonly address: Address | undefined
  readonly version: 1 | 2
  /** What it offered when the session opened. */
  readonly services: readonly string[]
  /** Services of ours that it was not told of, since our hello had no room for them. */
  readonly untold?: readonly string[]
  /** What it solves the dynamic puzzle of the network by, where that has one; 32 bytes. */
  readonly puzzle?: Uint8Array | undefined
  /** `host:port` this node dialed, `undefined` where the peer came to us. */
  readonly dialed: string | undefined
  /** Address of the connection's other end; `undefined` where others pass it on. */
  readonly remote?: Address | undefined
  /** Calls there were over this connection so far, either way; what is in use stays open. @default 0 */
  readonly calls?: number
  /** A call is under way. @default false */
  readonly isBusy?: boolean
  /**
   * Asks; `onReply` gets status 0 and a body, another status, or -1 where none came. Where it throws a
   * RemoteProtocolError, the answer broke the rules: end the connection.
   */
  request(
    opcode: number,
    write: (writer: Writer) => void,
    onReply: (status: number, body?: Reader) => void,
  ): void
  reply(seq: number, status: number, write?: (writer: Writer) => void): void
  /** Says something that wants no reply. */
  send(opcode: number, write: (writer: Writer) => void): void
  /** Lets the calls of this connection finish, then closes it. */
  retire(reason: string): void
}

/** Whom to dial. */
export interface DialTarget {
  /** `host:port`; a host name is resolved anew at each dial. */
  readonly address: string
  /** The key the peer must prove. */
  readonly key?: Uint8Array
  /**
   * Key of the relay that is at `address`, through which the node with `key` is reached: it cannot be
   * dialed itself.
   */
  readonly relay?: Uint8Array
}

/** How to reach other nodes: the port of discovery. */
export interface Network {
  /**
   * Dials and resolves once the session is open, after {@link Discovery.connected} was told.
   * Rejects with an error whose message says why. The signal gives up the dial; it means nothing any
   * more for a session that is open.
   */
  connect(target: DialTarget, options: { readonly signal: AbortSignal }): Promise<Peer>
  /**
   * All addresses, `IP:port`, that a host name stands for now; each may be a node. Where it is left
   * out, a name is one node.
   */
  resolve?(address: string): Promise<readonly string[]>
}
