import { type Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import { Authorization } from './authorization.ts'
import type { Channel, ChannelOptions, ChannelReceiver } from './channel.ts'
import { ended, overflow, truncated } from './channel-errors.ts'
import {
  END_DENIED,
  END_MALFORMED,
  END_ORDERLY,
  OPCODE_END,
  OPCODE_PING,
  readEnd,
  readPing,
  writeEnd,
} from './control-messages.ts'
import type { Hello } from './hello.ts'
import { type SessionLimits, withDefaults } from './limits.ts'
import { Outbox } from './outbox.ts'
import type { Address, Link } from './ports.ts'
import { NO_REPLY, type OnReply, Replies } from './replies.ts'
import { Sequence } from './sequence.ts'
import { Session } from './session.ts'
import { notOpen } from './session-errors.ts'
import { Watch } from './watch.ts'

const STATUS_OK = 0

/**
 * opening: the handshake. open: messages both ways. closing: END is queued or sent, nothing more
 * is begun. closed: onClose was called.
 */
type Phase = 'opening' | 'open' | 'closing' | 'closed'

/** Drives a session over a link: writes at the end of the tick, timers, backpressure, the end. */
export class LinkChannel implements Channel {
  readonly dialer: boolean
  readonly #link: Link
  readonly #defer: (task: () => void) => void
  readonly #receiver: ChannelReceiver
  readonly #authorization: Authorization
  readonly #limits: SessionLimits
  readonly #session: Session
  readonly #outbox: Outbox
  readonly #replies: Replies
  readonly #watch: Watch
  readonly #sequence = new Sequence()
  #phase: Phase = 'opening'
  #peer: Hello | undefined
  #error: Error | undefined
  /** A flush is due at the end of this tick. */
  #flushing = false
  /** `writable` was false because of the queue. */
  #full = false
  /** The peer's END came, or it broke the rules: what it sends is not read. */
  #deaf = false
  /** Our direction of the link is ended. */
  #linkEnded = false
  /** Swallows messages begun while closing. */
  #nowhere: Writer | undefined

  constructor(options: ChannelOptions) {
    const { link, role, clock } = options
    const limits = withDefaults(options.limits)
    this.dialer = role === 'dialer'
    this.#link = link
    this.#defer = options.defer
    this.#receiver = options.receiver
    this.#authorization = new Authorization(options.authorize, { role, remote: link.remote })
    this.#limits = limits
    this.#session = new Session(
      { ...options, observed: link.remote, helloLimits: limits },
      {
        onProven: (hello) => this.#authorization.check(hello),
        onOpen: (hello) => this.#onOpen(hello),
        onMessage: (seq, code, body) => this.#onMessage(seq, code, body),
      },
    )
    this.#outbox = new Outbox(link, limits.highWaterMark)
    this.#replies = new Replies(clock, limits.replyMs)
    this.#watch = new Watch(
      { clock, limits, outbox: this.#outbox },
      { ask: () => this.#guard(() => this.#ask()), expire: (error) => this.destroy(error) },
    )
    link.attach({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#onLinkClose(error),
    })
    this.#write()
  }

  get version(): 1 | 2 {
    return this.#session.version
  }
  get remote(): Address | undefined {
    return this.#link.remote
  }
  get peer(): Hello {
    if (!this.#peer) throw notOpen()
    return this.#peer
  }
  get writable(): boolean {
    return this.#phase === 'open' && !this.#full
  }
  get queued(): number {
    return this.#session.queued + this.#outbox.bytes
  }
  get unsentServices(): readonly string[] {
    return this.#session.unsentServices
  }
  get busy(): boolean {
    return this.#watch.busy
  }
  set busy(busy: boolean) {
    this.#watch.busy = busy
  }

  begin(seq: number, code: number): Writer {
    if (this.#phase === 'closing' || this.#phase === 'closed') return this.#beginNowhere()
    const answer = seq !== 0 && (seq % 2 === 1) !== this.dialer
    return this.#session.begin(seq, answer && this.version === 1 ? undefined : code)
  }

  end(payload?: Uint8Array): void {
    if (this.#phase !== 'open') return
    this.#session.end(payload)
    const queued = this.#session.queued + this.#outbox.bytes
    if (queued >= this.#limits.highWaterMark) {
      this.#full = true
      if (queued > this.#limits.maxQueued) this.#overflow(queued)
    }
    this.#scheduleFlush()
  }

  abort(): void {
    this.#session.abort()
  }

  nextSeq(): number {
    return this.#sequence.next()
  }

  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') {
      this.#defer(() => onReply(NO_REPLY, undefined))
      return
    }
    const seq = this.nextSeq()
    this.#message(seq, opcode, write)
    this.#replies.expect(seq, onReply)
  }

  reply(seq: number, status: number, write?: (writer: Writer) => void): void {
    this.#message(seq, status, write)
  }

  flush(): void {
    if (this.#phase !== 'closed') this.#write()
  }

  pause(): void {
    this.#watch.pause()
    this.#link.pause()
  }

  resume(): void {
    this.#watch.resume()
    this.#link.resume()
  }

  close(code: number = END_ORDERLY, reason = ''): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#session.abort()
    if (this.#phase === 'open' && this.version === 2) {
      this.#message(0, OPCODE_END, (writer) => writeEnd(writer, { code, reason }))
    }
    this.#phase = 'closing'
    // Whoever paused still has to hear of the peer's end.
    this.#link.resume()
    this.#watch.closing()
    this.#write()
  }

  fail(code: number, error: Error, reason: string = error.message): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#error ??= error
    this.#deaf = true
    this.close(code, reason)
  }

  destroy(error?: Error): void {
    if (this.#phase === 'closed') return
    this.#error ??= error
    this.#link.destroy()
    this.#finish()
  }

  // --- sending ---

  #message(seq: number, code: number, write?: (writer: Writer) => void): void {
    const writer = this.begin(seq, code)
    try {
      write?.(writer)
    } catch (error) {
      this.abort()
      throw error
    }
    this.end()
  }

  #beginNowhere(): Writer {
    this.#nowhere ??= new Writer({ max: 2 ** 20 })
    this.#nowhere.clear()
    return this.#nowhere
  }

  #scheduleFlush(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#defer(this.#endOfTick)
  }

  readonly #endOfTick = (): void => {
    this.#flushing = false
    // A blocked link's drain writes; until then messages gather into full packets.
    if (!this.#outbox.blocked) this.#guard(() => this.flush())
  }

  #write(): void {
    const wasBlocked = this.#outbox.blocked
    const output = this.#session.takeOutput()
    if (output.length > 0) this.#outbox.push(output)
    if (!wasBlocked && this.#outbox.blocked) this.#watch.progressed()
    if (this.#full && !this.#outbox.blocked) this.#notFull()
    if (this.#phase === 'closing') this.#endLink()
  }

  #notFull(): void {
    if (this.queued >= this.#limits.highWaterMark) return
    this.#full = false
    if (this.#phase === 'open') this.#receiver.onDrain()
  }

  /** Not at once: whoever has just ended a message is in the middle of something. */
  #overflow(queued: number): void {
    const error = overflow(queued, this.#limits.maxQueued)
    this.#phase = 'closing'
    this.#defer(() => this.destroy(error))
  }

  #onDrain(): void {
    if (this.#phase === 'closed') return
    this.#outbox.drained()
    this.#watch.progressed()
    this.#guard(() => this.flush())
  }

  // --- receiving ---

  #onData(chunk: Uint8Array): void {
    if (this.#phase === 'closed' || this.#deaf) return
    this.#watch.heard()
    try {
      this.#session.receive(chunk)
    } catch (error) {
      // What follows an end is not read, in the same chunk no more than in the next.
      if (!this.#deaf || !(error instanceof RemoteProtocolError)) this.#refuse(error)
    }
    // Our key, our hello: nobody calls `end` for them.
    if (this.#session.queued > 0) this.#scheduleFlush()
  }

  /** Runs what may call our owner. */
  #guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Before the session is open nothing more is sent: who breaks the handshake learns nothing. */
  #refuse(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    if (this.#phase === 'open' && error instanceof RemoteProtocolError)
      this.fail(END_MALFORMED, error)
    else this.destroy(error)
  }

  #onOpen(hello: Hello): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    const { denial } = this.#authorization
    if (denial) return this.fail(END_DENIED, denial.error, denial.reason)
    this.#peer = hello
    this.#sequence.start(this.dialer, this.version)
    this.#watch.opened(this.version)
    this.#receiver.onOpen(hello)
  }

  #onMessage(seq: number, code: number, body: Reader): void {
    if (this.#phase === 'closed' || this.#deaf) return
    if (seq !== 0 && (seq % 2 === 1) === this.dialer) this.#replies.settle(seq, code, body)
    else if (this.version === 2 && code === OPCODE_PING) this.#onPing(seq, body)
    else if (this.version === 2 && code === OPCODE_END) this.#onPeerEnd(body)
    else if (this.#phase === 'open') this.#receiver.onMessage(seq, code, body)
  }

  #onPing(seq: number, body: Reader): void {
    const token = readPing(body)
    this.#watch.pinged()
    if (seq !== 0) this.#message(seq, STATUS_OK, (writer) => writer.u64(token))
  }

  #onPeerEnd(body: Reader): void {
    const end = readEnd(body)
    this.#deaf = true
    if (end.code !== END_ORDERLY) this.#error ??= ended(end)
    this.close()
  }

  /** The peer ended its direction: orderly only after END, in v1 between packets. */
  #onEnd(): void {
    if (this.#phase === 'closed') return
    const orderly = this.version === 1 && this.#phase === 'open' && !this.#session.partial
    if (!this.#deaf && !orderly && this.#phase !== 'closing')
      this.#error ??= truncated(this.#session)
    this.#deaf = true
    this.close()
  }

  #onLinkClose(error?: Error): void {
    if (this.#phase === 'closed') return
    if (!this.#deaf && !this.#linkEnded) this.#error ??= truncated(this.#session, error)
    this.#finish()
  }

  #endLink(): void {
    if (this.#linkEnded || !this.#outbox.empty) return
    this.#linkEnded = true
    this.#link.end()
    this.#watch.ended()
  }

  #finish(): void {
    // A link may say that it is gone while it is being destroyed.
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#watch.stop()
    this.#session.close()
    this.#outbox.clear()
    this.#replies.close()
    this.#receiver.onClose(this.#error)
  }

  // --- time ---

  #ask(): void {
    // Any byte of the peer proves that it lives: the answer itself is ignored.
    this.#message(this.nextSeq(), OPCODE_PING, (writer) => writer.u64(0n))
    this.#session.shrink()
  }
}
