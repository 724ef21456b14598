import { TokenBucket } from '@flatend/wire'
import { STATUS_OK, STATUS_UNSUPPORTED } from './codec.ts'
import { type Address, isDialable } from './contact.ts'
import {
  DIAL_BACK,
  DIALED_BACK,
  readDialBack,
  STATUS_RATE_LIMITED,
  writeDialBackAnswer,
} from './dial-back-codec.ts'
import type { IncomingMessage } from './messages.ts'
import type { Clock, Peer } from './ports.ts'

/** Dials for one connection: so many at once, and so many a second. */
const PER_PEER = { perSecond: 1 / 10, burst: 3 }
/** The same for all together, and how many may be under way. */
const ALL = { perSecond: 2, burst: 16 }
const MAX_DIALING = 8
/** One dial, in milliseconds; the asker waits for 5 s. */
const TIMEOUT = 3_000

/** Dials an address and resolves once the key is proven there; nothing more is said. */
export type Prove = (
  target: { readonly address: Address; readonly key: Uint8Array },
  options: { readonly signal: AbortSignal },
) => Promise<void>

/** What {@link DialBack} works with. */
export interface DialBackContext {
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly wallNow: () => number
  readonly prove: Prove
}

/**
 * Dials peers back that want to know whether they can be dialed: the very IP address that their
 * request came from, at the port they name, and no other, so that nobody can be made to dial a third.
 */
export class DialBack {
  readonly #context: DialBackContext
  readonly #all: TokenBucket
  readonly #peers = new WeakMap<Peer, TokenBucket>()
  readonly #dials = new Set<AbortController>()

  constructor(context: DialBackContext) {
    this.#context = context
    this.#all = new TokenBucket(ALL, context.clock.now())
  }

  /** Returns false where the opcode is another. @throws RemoteProtocolError where it is malformed */
  receive(peer: Peer, { seq, opcode, body }: IncomingMessage): boolean {
    if (opcode !== DIAL_BACK || peer.version !== 2) return false
    const port = readDialBack(body)
    if (seq === 0) return true
    const { remote, key } = peer
    // Who came through others has no address here.
    if (!remote || !key || !isDialable(remote)) peer.reply(seq, STATUS_UNSUPPORTED)
    else if (port === 0) this.#answer(peer, seq, { result: DIALED_BACK.no, observed: remote })
    else if (!this.#mayDial(peer)) peer.reply(seq, STATUS_RATE_LIMITED)
    else void this.#dial(peer, seq, { address: { host: remote.host, port }, key })
    return true
  }

  stop(): void {
    for (const dial of this.#dials) dial.abort(new Error('the node is shutting down'))
  }

  #mayDial(peer: Peer): boolean {
    const now = this.#context.clock.now()
    let own = this.#peers.get(peer)
    if (!own) {
      own = new TokenBucket(PER_PEER, now)
      this.#peers.set(peer, own)
    }
    return this.#dials.size < MAX_DIALING && own.take(now) && this.#all.take(now)
  }

  async #dial(peer: Peer, seq: number, target: Parameters<Prove>[0]): Promise<void> {
    const { clock, prove } = this.#context
    const abort = new AbortController()
    this.#dials.add(abort)
    const timer = clock.schedule(TIMEOUT, () => abort.abort(new Error('no answer')))
    const reached = await prove(target, { signal: abort.signal }).then(
      () => true,
      () => false,
    )
    timer.cancel()
    this.#dials.delete(abort)
    const result = reached ? DIALED_BACK.reached : DIALED_BACK.failed
    this.#answer(peer, seq, { result, observed: target.address })
  }

  #answer(
    peer: Peer,
    seq: number,
    answer: { readonly result: number; readonly observed: Address },
  ): void {
    const now = this.#context.wallNow()
    peer.reply(seq, STATUS_OK, (writer) => writeDialBackAnswer(writer, { ...answer, now }))
  }
}
