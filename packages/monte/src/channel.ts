import type { Reader, Writer } from '@flatend/wire'
import type { Authorize } from './authorization.ts'
import type { Hello, LocalHello } from './hello.ts'
import type { Role } from './identity-proof.ts'
import type { SessionLimits } from './limits.ts'
import { LinkChannel } from './link-channel.ts'
import type { Address, Clock, Link } from './ports.ts'
import type { OnReply } from './replies.ts'
import type { Identity, Suite } from './suite/suite.ts'

/**
 * Hears of a {@link Channel}. What one of these throws ends the channel with that error: a
 * RemoteProtocolError tells the peer so (END code 2), anything else cuts the connection.
 */
export interface ChannelReceiver {
  /** The handshake is done: messages may be sent and will come. */
  onOpen(peer: Hello): void
  /**
   * A message that is no answer and none of the session's own (PING, END, v1 HANDSHAKE), known
   * opcode or not; `seq` 0 expects no answer. `body` is shared: read it before returning. Views
   * taken from it stay valid and unchanged.
   */
  onMessage(seq: number, opcode: number, body: Reader): void
  /** `writable` is true again. */
  onDrain(): void
  /** The last event, once. Without error only after an orderly end, the peer's or ours. */
  onClose(error: Error | undefined): void
}

/** Options of {@link openChannel}. */
export interface ChannelOptions {
  /** The bytes below; it belongs to the channel from now on. */
  readonly link: Link
  /** Who connected is the dialer. */
  readonly role: Role
  /** Cryptography: `nodeSuite` or `stablelibSuite`. */
  readonly suite: Suite
  /** Who we are, from `suite.identity(seed)`. */
  readonly identity: Identity
  /** What we say of ourselves. */
  readonly hello: LocalHello
  readonly clock: Clock
  /** Runs a task once the current tick's work is done; what was begun until then is one packet. */
  readonly defer: (task: () => void) => void
  readonly receiver: ChannelReceiver
  /** Name of the network, at most 255 bytes; sessions between different names fail. @default '' */
  readonly network?: string
  /** 32 bytes that all nodes of a private network share. @default none */
  readonly networkKey?: Uint8Array
  /** The 32-byte public key the peer must prove. @default any */
  readonly expectedKey?: Uint8Array
  /** Speak v1, whose encryption can be broken by who listens, to peers that do not offer v2. @default false */
  readonly legacy?: boolean
  /**
   * Asked once, when the peer has proven its identity (v1 peers prove nothing that is fresh) and
   * before onOpen. A listener that refuses ends with END code 4 and the reason; a dialer that
   * refuses says nothing more, not even who it is. onClose gets `FLATEND_MONTE_DENIED`.
   * @default everybody
   */
  readonly authorize?: Authorize
  readonly limits?: Partial<SessionLimits>
}

/**
 * Messages to and from one peer: a session driven over a link. Messages begun in one tick leave in
 * one packet and one write. Once the channel is closing, messages go nowhere and nothing throws.
 */
export interface Channel {
  /** Version of the session; valid from onOpen on. */
  readonly version: 1 | 2
  /** We connected; our requests have odd numbers. */
  readonly dialer: boolean
  /** What the peer says of itself, proven in v2. @throws LocalProtocolError before onOpen */
  readonly peer: Hello
  /** Address of the socket, where the link has such a thing. */
  readonly remote: Address | undefined
  /** False while more is queued than `highWaterMark`, before the opening, and while closing. */
  readonly writable: boolean
  /** Bytes that wait to be sent, ours and the link's. */
  readonly queued: number
  /** Services the hello had no room for: v2 peers are told by SERVICES messages. */
  readonly unsentServices: readonly string[]
  /** Something waits for this peer: silence is noticed after 5 s instead of 25. @default false */
  busy: boolean
  /**
   * Begins a message: fill the writer, then call `end` or `abort`, nothing else in between.
   * @param seq - 0 where no answer is expected, {@link Channel.nextSeq}, or what is answered
   * @param code - opcode of a request, status of an answer (v1 answers have none)
   * @throws LocalProtocolError before onOpen, and where the last message was not ended
   */
  begin(seq: number, code: number): Writer
  /**
   * Ends it. A large payload is not copied: leave it unchanged from now on.
   * @throws LocalProtocolError where it does not fit a packet; the message is forgotten
   */
  end(payload?: Uint8Array): void
  /** Forgets it. */
  abort(): void
  /** Number for a request made by `begin`. Answers to it are ignored; `request` has them. */
  nextSeq(): number
  /** Sends a request and hears the answer, or -1 after `replyMs` or when the channel ends. */
  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void
  /** Answers a message. */
  reply(seq: number, status: number, write?: (writer: Writer) => void): void
  /** Writes now what was begun; normally the end of the tick does. */
  flush(): void
  /** Stops reading: the peer's bytes stay in the network. */
  pause(): void
  /** Reads again. */
  resume(): void
  /** Sends what is queued, then END and the end of the link; onClose follows. */
  close(code?: number, reason?: string): void
  /** The peer broke the rules: END with `code`, then the link ends; onClose gets `error`. */
  fail(code: number, error: Error): void
  /** Cuts the connection; onClose gets `error`. */
  destroy(error?: Error): void
}

/**
 * Opens a session over a link.
 * @throws LocalProtocolError where an option cannot be used; the link is untouched then
 */
export function openChannel(options: ChannelOptions): Channel {
  return new LinkChannel(options)
}
