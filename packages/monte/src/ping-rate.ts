import type { SessionLimits } from './limits.ts'

/** How fast a peer may ping: `pingBurst` at once, `pingsPerSecond` for ever (protocol §4). */
export class PingRate {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  constructor({ pingBurst, pingsPerSecond }: SessionLimits, now: number) {
    this.#burst = pingBurst
    this.#perMs = pingsPerSecond / 1_000
    this.#left = pingBurst
    this.#at = now
  }

  /** Whether one more is within the limit. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
