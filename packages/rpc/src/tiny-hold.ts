import { TokenBucket } from '@flatend/wire'
import type { Clock, Timer } from './ports.ts'
import type { Stream } from './stream.ts'

/**
 * Keeps our own tiny pieces below what a peer counts as a flood. It takes `max` in a row at once and
 * a tenth of that a second; we send half of both, so that what a network delays by 10 s and then
 * delivers at once is within the limit still. Whatever is above waits, at most 20 s / `max`, for
 * more bytes to go with.
 */
export class TinyHold {
  readonly #clock: Clock
  readonly #max: number
  readonly #held = new Set<Stream>()
  #timer: Timer | undefined

  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /** What one stream may send at once, after a first piece. */
  budget(): TokenBucket {
    const rate = { perSecond: this.#max / 20, burst: this.#max / 2 - 1 }
    return new TokenBucket(rate, this.#clock.now())
  }

  /** Releases the stream's piece after a while. */
  hold(stream: Stream): void {
    this.#held.add(stream)
    this.#timer ??= this.#clock.schedule(20_000 / this.#max, this.#release)
  }

  forget(stream: Stream): void {
    this.#held.delete(stream)
    if (this.#held.size === 0) this.#stop()
  }

  clear(): void {
    this.#held.clear()
    this.#stop()
  }

  readonly #release = (): void => {
    this.#timer = undefined
    const streams = [...this.#held]
    this.#held.clear()
    for (const stream of streams) stream.release()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
