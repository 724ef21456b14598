import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the delay is looked at, in milliseconds. */
const RESOLUTION = 20
/** What is told is of so long at the least, in milliseconds. */
const WINDOW = 10_000

/** How late timers were, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Measures how long the event loop was held up, of late. */
export class LoopDelayMeter {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  readonly #now: () => number
  #since: number
  #last: LoopDelay | undefined

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
    this.#histogram.enable()
  }

  /** Of the last full window; of what there is before the first. */
  read(): LoopDelay {
    const now = this.#now()
    if (now - this.#since >= WINDOW) {
      this.#last = this.#measure()
      this.#histogram.reset()
      this.#since = now
    }
    return this.#last ?? this.#measure()
  }

  stop(): void {
    this.#histogram.disable()
  }

  #measure(): LoopDelay {
    const histogram = this.#histogram
    // Before the first measure the minimum is above the maximum.
    if (histogram.max < histogram.min) return { p50Ms: 0, p99Ms: 0, maxMs: 0 }
    return {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    }
  }
}

/** Milliseconds beyond those a look was meant to take. */
function late(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - RESOLUTION) : 0
}
