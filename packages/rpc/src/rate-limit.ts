import type { Clock } from './ports.ts'

/** A token bucket: `burst` at once, and `perSecond` for ever. */
export class RateLimit {
  readonly #clock: Clock
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #at: number

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#tokens = burst
    this.#at = clock.now()
  }

  /** Whether one more is within the limit. */
  take(): boolean {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
