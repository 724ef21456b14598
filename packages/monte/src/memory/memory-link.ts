import type { Address, Clock, Link, LinkReceiver } from '../ports.ts'

/** How bytes travel in memory. All randomness is the caller's, so that a run can be repeated. */
export interface WireOptions {
  readonly clock: Clock
  /** Numbers from 0 to below 1. Needed for a latency range and for `chop`. */
  readonly random?: () => number
  /** Milliseconds one way, or a range to choose from for each write; order is kept. @default 0 */
  readonly latency?: number | readonly [number, number]
  /** Deliver bytes in pieces cut and joined at random, as TCP may. @default false */
  readonly chop?: boolean
  /** Bytes under way from which on `write` gives false. @default 65_536 */
  readonly highWaterMark?: number
}

const DEFAULT_HIGH_WATER_MARK = 65_536
/** Up to this many bytes in one piece of a chopped stream. */
const MAX_PIECE = 400

type Event = { readonly bytes: Uint8Array } | 'end'

/** One end of a connection in memory. */
export class MemoryLink implements Link {
  readonly remote: Address | undefined
  readonly #options: WireOptions
  #other: MemoryLink | undefined
  #receiver: LinkReceiver | undefined
  /** Arrived and not handed on: nobody attached, or paused. */
  readonly #inbox: Event[] = []
  #paused = false
  #underWay = 0
  #wantsDrain = false
  #lastArrival = 0
  readonly #underWayTasks: (() => void)[] = []
  #ended = false
  #sawEnd = false
  #closed = false
  /** onClose was called. */
  #told = false
  #failure: Error | undefined

  constructor(options: WireOptions, remote: Address | undefined) {
    this.#options = options
    this.remote = remote
  }

  /** Joins two ends. */
  static join(a: MemoryLink, b: MemoryLink): void {
    a.#other = b
    b.#other = a
  }

  /** True once the link is gone. */
  get closed(): boolean {
    return this.#closed
  }

  attach(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.#options.clock.schedule(0, () => {
      if (this.#closed) this.#tellClosed()
      else this.#deliver()
    })
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ended || this.#closed) return false
    // Where bytes vanish the sender cannot tell.
    if (!this.reaches()) return true
    for (const chunk of chunks) for (const bytes of this.#chop(chunk)) this.#travel({ bytes })
    const highWaterMark = this.#options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK
    if (this.#underWay < highWaterMark) return true
    this.#wantsDrain = true
    return false
  }

  end(): void {
    if (this.#ended || this.#closed) return
    this.#ended = true
    if (this.reaches()) this.#travel('end')
    this.#maybeClose()
  }

  destroy(error?: Error): void {
    const other = this.#other
    this.#close(error)
    if (other) this.#after(this.#delay(), () => other.#close(new Error('the connection was reset')))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#options.clock.schedule(0, () => this.#deliver())
  }

  /** Asked before anything is sent: does it arrive? */
  protected reaches(): boolean {
    return true
  }

  /** Cuts the connection: both ends hear of it now, bytes under way are lost. */
  cut(reason = 'the connection was cut'): void {
    const other = this.#other
    if (other) other.#close(new Error(reason))
    this.#close(new Error(reason))
  }

  #travel(event: Event): void {
    const size = event === 'end' ? 0 : event.bytes.length
    this.#underWay += size
    this.#after(this.#delay(), () => {
      const other = this.#other
      if (!other || other.#closed) return
      other.#inbox.push(event)
      other.#deliver()
    })
  }

  /**
   * Later than everything sent before, as in a stream. Timers of a real clock that fall due in the
   * same millisecond may fire in any order: each runs what left first.
   */
  #after(delay: number, task: () => void): void {
    const now = this.#options.clock.now()
    this.#lastArrival = Math.max(this.#lastArrival, now + delay)
    this.#underWayTasks.push(task)
    this.#options.clock.schedule(this.#lastArrival - now, () => this.#underWayTasks.shift()?.())
  }

  #delay(): number {
    const { latency = 0, random } = this.#options
    if (typeof latency === 'number') return latency
    const [least, most] = latency
    return least + (random?.() ?? 0) * (most - least)
  }

  *#chop(chunk: Uint8Array): Generator<Uint8Array> {
    const { chop, random } = this.#options
    if (!chop || !random) {
      yield chunk
      return
    }
    let at = 0
    while (at < chunk.length) {
      const end = at + 1 + Math.floor(random() * MAX_PIECE)
      yield chunk.slice(at, end)
      at = end
    }
  }

  #deliver(): void {
    while (!this.#paused && !this.#closed && this.#receiver) {
      const event = this.#inbox.shift()
      if (event === undefined) return
      if (event === 'end') {
        this.#sawEnd = true
        this.#receiver.onEnd()
        this.#maybeClose()
        return
      }
      const bytes = this.#joined(event.bytes)
      this.#receiver.onData(bytes)
      const other = this.#other
      if (other) other.#arrived(bytes.length)
    }
  }

  /** The bytes with those that wait behind them, at times, where the stream is chopped. */
  #joined(first: Uint8Array): Uint8Array {
    const { chop, random } = this.#options
    let bytes = first
    for (;;) {
      if (!chop || !random || random() < 0.5) return bytes
      const next = this.#inbox[0]
      if (next === undefined || next === 'end') return bytes
      this.#inbox.shift()
      const joined = new Uint8Array(bytes.length + next.bytes.length)
      joined.set(bytes)
      joined.set(next.bytes, bytes.length)
      bytes = joined
    }
  }

  /** The other end has read `size` of our bytes. */
  #arrived(size: number): void {
    this.#underWay -= size
    if (!this.#wantsDrain || this.#underWay > 0 || this.#closed) return
    this.#wantsDrain = false
    this.#options.clock.schedule(0, () => {
      if (!this.#closed) this.#receiver?.onDrain()
    })
  }

  #maybeClose(): void {
    if (this.#ended && this.#sawEnd) this.#close()
    const other = this.#other
    if (other && other.#ended && other.#sawEnd) other.#close()
  }

  #close(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#failure = error
    // As a socket does it: never from within a call.
    this.#options.clock.schedule(0, () => this.#tellClosed())
  }

  #tellClosed(): void {
    if (this.#told || !this.#receiver) return
    this.#told = true
    this.#receiver.onClose(this.#failure)
  }
}
