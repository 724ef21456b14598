import { LocalProtocolError, Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import type { Hello, LocalHello } from './hello.ts'
import { type SessionLimits, withDefaults } from './limits.ts'
import type { Address, Clock, Link, Timer } from './ports.ts'
import { Session } from './session.ts'
import type { Identity, Suite } from './suite/suite.ts'

const OPCODE_PING = 7
const OPCODE_END = 9
const STATUS_OK = 0
const END_ORDERLY = 0

/** Hears of a {@link Channel}. */
export interface ChannelReceiver {
  /** The handshake is done: messages may be sent and will come. */
  onOpen(peer: Hello): void
  /** `body` is shared: read it before returning. Views taken from it stay valid. */
  onMessage(seq: number, opcode: number, body: Reader): void
  /** `writable` is true again. */
  onDrain(): void
  /** The last event, once. Without error only after an orderly end. */
  onClose(error: Error | undefined): void
}

/** Options of {@link openChannel}. */
export interface ChannelOptions {
  readonly link: Link
  readonly role: 'dialer' | 'listener'
  readonly suite: Suite
  readonly identity: Identity
  readonly hello: LocalHello
  readonly clock: Clock
  /** Runs a task once the current tick's work is done; what was begun until then is one packet. */
  readonly defer: (task: () => void) => void
  readonly receiver: ChannelReceiver
  /** Name of the network. @default '' */
  readonly network?: string
  /** 32 bytes that all nodes of a private network share. */
  readonly networkKey?: Uint8Array
  /** The key the peer must prove. */
  readonly expectedKey?: Uint8Array
  /** Speak v1 to peers that do not offer v2. @default false */
  readonly legacy?: boolean
  readonly limits?: Partial<SessionLimits>
}

type OnReply = (status: number, body: Reader | undefined) => void
interface PendingReply {
  readonly onReply: OnReply
  readonly timer: Timer
}

/** Messages to and from one peer: a session driven over a link. */
export interface Channel {
  readonly version: 1 | 2
  readonly dialer: boolean
  readonly peer: Hello
  readonly remote: Address | undefined
  readonly writable: boolean
  readonly unsentServices: readonly string[]
  begin(seq: number, code: number): Writer
  end(payload?: Uint8Array): void
  abort(): void
  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void
  reply(seq: number, status: number, write?: (writer: Writer) => void): void
  flush(): void
  pause(): void
  resume(): void
  close(code?: number, reason?: string): void
  /** The peer broke the rules: END with `code`, then the link goes; `onClose` gets `error`. */
  fail(code: number, error: Error): void
  destroy(error?: Error): void
}

export function openChannel(options: ChannelOptions): Channel {
  return new LinkChannel(options)
}

class LinkChannel implements Channel {
  readonly dialer: boolean
  readonly #link: Link
  readonly #clock: Clock
  readonly #defer: (task: () => void) => void
  readonly #receiver: ChannelReceiver
  readonly #limits: SessionLimits
  readonly #session: Session
  readonly #replies = new Map<number, PendingReply>()
  #peer: Hello | undefined
  #seq: number
  #flushing = false
  #blocked = false
  #ended = false
  #closing = false
  #closed = false
  #error: Error | undefined
  #heard: number
  #progress: number
  #pings = 0
  #timer: Timer | undefined
  #open = false

  constructor(options: ChannelOptions) {
    const { link, role, clock, legacy, network, networkKey, expectedKey } = options
    this.dialer = role === 'dialer'
    this.#link = link
    this.#clock = clock
    this.#defer = options.defer
    this.#receiver = options.receiver
    this.#limits = withDefaults(options.limits)
    this.#seq = this.dialer ? 3 : 2
    this.#heard = this.#progress = clock.now()
    this.#session = new Session(
      {
        role,
        suite: options.suite,
        identity: options.identity,
        hello: options.hello,
        observed: link.remote,
        network: network ?? '',
        networkKey,
        expectedKey,
        legacy: legacy ?? false,
        helloLimits: this.#limits,
        maxQueued: this.#limits.maxQueued,
      },
      {
        onOpen: (hello) => this.#onOpen(hello),
        onMessage: (seq, code, body) => this.#onMessage(seq, code, body),
      },
    )
    this.#timer = clock.schedule(this.#limits.handshakeMs, () =>
      this.destroy(
        new RemoteProtocolError(
          'FLATEND_MONTE_HANDSHAKE_TIMEOUT',
          `the peer did not complete the handshake within ${this.#limits.handshakeMs} ms`,
        ),
      ),
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
    if (!this.#peer)
      throw new LocalProtocolError(
        'FLATEND_MONTE_NOT_OPEN',
        'the session is not open: wait for onOpen',
      )
    return this.#peer
  }
  get writable(): boolean {
    return this.#open && !this.#blocked && this.#session.queued < this.#limits.highWaterMark
  }
  get unsentServices(): readonly string[] {
    return this.#session.unsentServices
  }

  begin(seq: number, code: number): Writer {
    const omitted = this.version === 1 && seq !== 0 && (seq % 2 === 1) !== this.dialer
    return this.#session.begin(seq, omitted ? undefined : code)
  }
  end(payload?: Uint8Array): void {
    this.#session.end(payload)
    if (this.#session.queued > this.#limits.highWaterMark) this.#blocked = true
    this.#scheduleFlush()
  }
  abort(): void {
    this.#session.abort()
  }

  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void {
    const seq = this.#seq
    this.#seq = seq >= 0xffff_fffd ? (this.dialer ? 3 : 2) : seq + 2
    this.#message(seq, opcode, write)
    const timer = this.#clock.schedule(this.#limits.replyMs, () => {
      this.#replies.delete(seq)
      onReply(-1, undefined)
    })
    this.#replies.set(seq, { onReply, timer })
  }

  reply(seq: number, status: number, write?: (writer: Writer) => void): void {
    this.#message(seq, status, write)
  }

  flush(): void {
    this.#flushing = false
    if (!this.#closed) this.#write()
  }

  pause(): void {
    this.#link.pause()
  }
  resume(): void {
    this.#link.resume()
  }

  close(code: number = END_ORDERLY, reason = ''): void {
    if (this.#closing || this.#closed) return
    this.#closing = true
    if (this.#open && this.version === 2)
      this.#message(0, OPCODE_END, (writer) => writer.u16(code).text16(reason.slice(0, 500)))
    this.flush()
    this.#link.end()
    this.#timer?.cancel()
    this.#timer = this.#clock.schedule(this.#limits.closeMs, () => this.#link.destroy())
  }

  fail(code: number, error: Error): void {
    this.#error ??= error
    this.close(code, error.message)
  }

  destroy(error?: Error): void {
    if (this.#closed) return
    this.#error ??= error
    this.#closing = true
    this.#link.destroy()
    this.#finish()
  }

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

  #scheduleFlush(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#defer(() => this.flush())
  }

  #write(): void {
    const output = this.#session.takeOutput()
    if (output.length === 0) return
    if (this.#link.write(output)) {
      if (this.#blocked) {
        this.#blocked = false
        if (this.#open) this.#receiver.onDrain()
      }
    } else {
      this.#blocked = true
      this.#progress = this.#clock.now()
    }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed || this.#ended) return
    this.#heard = this.#clock.now()
    this.#pings = 0
    try {
      this.#session.receive(chunk)
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error
      this.#refuse(error)
      return
    }
    if (!this.#session.open) this.#write()
  }

  /** Before the session is open nothing more is sent: who breaks the handshake learns nothing. */
  #refuse(error: RemoteProtocolError): void {
    if (this.#open) {
      this.#session.abort()
      this.fail(2, error)
    } else this.destroy(error)
  }

  #onOpen(hello: Hello): void {
    this.#peer = hello
    this.#open = true
    this.#write()
    this.#timer?.cancel()
    this.#watch()
    this.#receiver.onOpen(hello)
  }

  #onMessage(seq: number, code: number, body: Reader): void {
    if (this.#closed) return
    if (seq !== 0 && (seq % 2 === 1) === this.dialer) this.#onReply(seq, code, body)
    else if (this.version === 2 && code === OPCODE_PING) this.#onPing(seq, body)
    else if (this.version === 2 && code === OPCODE_END) this.#onPeerEnd(body)
    else if (!this.#closing) this.#receiver.onMessage(seq, code, body)
  }

  #onReply(seq: number, status: number, body: Reader): void {
    const pending = this.#replies.get(seq)
    if (!pending) return
    this.#replies.delete(seq)
    pending.timer.cancel()
    pending.onReply(status, body)
  }

  #onPing(seq: number, body: Reader): void {
    const token = body.u64()
    body.expectEnd()
    if (seq !== 0 && !this.#closing) this.#message(seq, STATUS_OK, (writer) => writer.u64(token))
  }

  #onPeerEnd(body: Reader): void {
    const code = body.u16()
    const reason = body.text16(true)
    body.expectEnd()
    this.#ended = true
    if (code !== END_ORDERLY) {
      this.#error ??= new RemoteProtocolError(
        'FLATEND_MONTE_ENDED',
        `the peer ended the connection: ${reason || 'no reason given'} (code ${code})`,
        { details: { code, reason } },
      )
    }
    this.close()
  }

  #onDrain(): void {
    this.#progress = this.#clock.now()
    this.#blocked = false
    this.#write()
    if (this.writable) this.#receiver.onDrain()
  }

  #onEnd(): void {
    if (!this.#ended && !this.#closing && this.version === 2) {
      this.#error ??= new RemoteProtocolError(
        'FLATEND_MONTE_TRUNCATED',
        'the peer closed the connection without saying so: it crashed, or somebody cut the connection',
      )
    }
    this.close()
  }

  #onLinkClose(error?: Error): void {
    if (!this.#ended && !this.#closing) {
      this.#error ??=
        error ?? new RemoteProtocolError('FLATEND_MONTE_TRUNCATED', 'the connection broke off')
    }
    this.#finish()
  }

  #finish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#open = false
    this.#timer?.cancel()
    this.#session.close()
    for (const { onReply, timer } of this.#replies.values()) {
      timer.cancel()
      onReply(-1, undefined)
    }
    this.#replies.clear()
    this.#receiver.onClose(this.#error)
  }

  /** Keepalive and the check that a peer which must read does read. */
  #watch(): void {
    const { keepaliveMs, stallMs, maxPings } = this.#limits
    this.#timer = this.#clock.schedule(Math.min(keepaliveMs, stallMs), () => {
      const now = this.#clock.now()
      if (this.#blocked && now - this.#progress >= stallMs) {
        this.destroy(
          new RemoteProtocolError(
            'FLATEND_MONTE_STALLED',
            `the peer took nothing for ${stallMs} ms`,
          ),
        )
        return
      }
      if (now - this.#heard >= keepaliveMs && this.version === 2) {
        if (this.#pings >= maxPings) {
          this.destroy(
            new RemoteProtocolError(
              'FLATEND_MONTE_DEAD',
              `the peer did not answer ${maxPings} pings`,
            ),
          )
          return
        }
        this.#pings++
        this.request(
          OPCODE_PING,
          (writer) => writer.u64(0n),
          () => undefined,
        )
      }
      this.#watch()
    })
  }
}
