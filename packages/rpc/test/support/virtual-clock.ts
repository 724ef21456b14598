import type { Clock, Timer } from '../../src/index.ts'

interface Entry {
  readonly at: number
  readonly callback: () => void
}

/** Time that passes only when told to. */
export class VirtualClock implements Clock {
  #now = 0
  #entries: Entry[] = []
  /** Delays that were asked for. */
  readonly delays: number[] = []

  /** Timers that wait. */
  get pending(): number {
    return this.#entries.length
  }

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): Timer {
    this.delays.push(delayMs)
    const entry = { at: this.#now + Math.max(0, delayMs), callback }
    // Behind those of the same time: an order of setting.
    const index = this.#entries.findLastIndex(({ at }) => at <= entry.at)
    this.#entries.splice(index + 1, 0, entry)
    return {
      cancel: () => {
        this.#entries = this.#entries.filter((other) => other !== entry)
      },
    }
  }

  /** Passes `ms`, running what falls due. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (let ran = 0; ; ran++) {
      const [entry] = this.#entries
      if (!entry || entry.at > until) break
      if (ran === 1_000_000) throw new Error('timers are set for ever')
      this.#entries.shift()
      this.#now = entry.at
      entry.callback()
    }
    this.#now = until
  }
}

/** Numbers in [0, 1) that are always the same (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
