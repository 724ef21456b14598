/** How often something may happen. */
export interface Rate {
  readonly perSecond: number
  /** At once. */
  readonly burst: number
}

/** A token bucket: `burst` at once, `perSecond` for ever. */
export class Tokens {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  constructor({ burst, perSecond }: Rate, now: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#left = burst
    this.#at = now
  }

  /** Whether one more is within the limit; `now` in milliseconds. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
