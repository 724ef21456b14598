import { LocalProtocolError, Reader, Writer } from '@flatend/wire'
import type { Channel } from '../../src/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** A message as it is on its way. */
export interface Sent {
  readonly opcode: number
  readonly body: Uint8Array
}

/** How a {@link MemoryChannel} behaves. */
export interface MemoryChannelOptions {
  readonly clock: VirtualClock
  readonly dialer: boolean
  readonly version?: 1 | 2
  /** Milliseconds a message takes. @default 1 */
  readonly latencyMs?: number
  /** Bytes on the way above which `writable` is false. @default without bound */
  readonly highWaterMark?: number
  /** Largest message. @default 65,520, v1: 4,075 */
  readonly maxMessage?: number
}

/** One end of a pair of channels in memory; what it sends is heard by whatever `deliver` is set to. */
export class MemoryChannel implements Channel {
  readonly version: 1 | 2
  readonly dialer: boolean
  /** Everything ever sent. */
  readonly sent: Sent[] = []
  deliver: (opcode: number, body: Reader) => void = () => undefined
  onDrain: () => void = () => undefined
  /** Whether this end does not read what the peer sends. */
  paused = false
  peer: MemoryChannel | undefined
  readonly #clock: VirtualClock
  readonly #latencyMs: number
  readonly #highWaterMark: number
  readonly #max: number
  readonly #writer: Writer
  readonly #backlog: Sent[] = []
  #opcode: number | undefined
  #queued = 0
  #cut = false

  constructor(options: MemoryChannelOptions) {
    this.version = options.version ?? 2
    this.dialer = options.dialer
    this.#clock = options.clock
    this.#latencyMs = options.latencyMs ?? 1
    this.#highWaterMark = options.highWaterMark ?? Number.POSITIVE_INFINITY
    this.#max = options.maxMessage ?? (this.version === 2 ? 65_520 : 4_075)
    this.#writer = new Writer({ max: this.#max })
  }

  get writable(): boolean {
    return this.#queued <= this.#highWaterMark
  }

  begin(seq: number, opcode: number): Writer {
    if (this.#opcode !== undefined) throw new LocalProtocolError('TEST_NESTED', 'begun twice')
    if (seq !== 0) throw new LocalProtocolError('TEST_SEQ', 'streams expect no replies')
    this.#opcode = opcode
    this.#writer.clear()
    return this.#writer
  }

  end(payload?: Uint8Array): void {
    const opcode = this.#opcode as number
    const length = this.#writer.length + (payload?.length ?? 0)
    if (length > this.#max) {
      const details = { length, max: this.#max }
      throw new LocalProtocolError('TEST_SIZE', 'the message is too large', { details })
    }
    this.#opcode = undefined
    const body = new Uint8Array(length)
    body.set(this.#writer.view())
    if (payload) body.set(payload, this.#writer.length)
    this.send({ opcode, body })
  }

  abort(): void {
    this.#opcode = undefined
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    for (let message = this.#backlog.shift(); message; message = this.#backlog.shift()) {
      this.#hear(message)
      if (this.paused) break
    }
  }

  /** Sends a message as it is: what a peer that breaks the rules would. */
  send(message: Sent): void {
    this.sent.push(message)
    if (this.#cut) return
    this.#queued += message.body.length
    this.#clock.schedule(this.#latencyMs, () => this.#arrive(message))
  }

  /** Nothing arrives any more, in this direction. */
  cut(): void {
    this.#cut = true
  }

  #arrive(message: Sent): void {
    if (this.#cut) return
    const full = !this.writable
    this.#queued -= message.body.length
    this.peer?.take(message)
    if (full && this.writable) this.onDrain()
  }

  take(message: Sent): void {
    if (this.paused) this.#backlog.push(message)
    else this.#hear(message)
  }

  #hear({ opcode, body }: Sent): void {
    this.deliver(opcode, new Reader(body))
  }
}

/** Two ends that hear each other. */
export function channelPair(
  options: Omit<MemoryChannelOptions, 'dialer'>,
): readonly [MemoryChannel, MemoryChannel] {
  const dialer = new MemoryChannel({ ...options, dialer: true })
  const listener = new MemoryChannel({ ...options, dialer: false })
  dialer.peer = listener
  listener.peer = dialer
  return [dialer, listener]
}
