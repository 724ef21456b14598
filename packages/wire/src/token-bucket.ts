/** How often something may happen. */
export interface Rate {
  /** Tokens that come back each second; above 0. */
  readonly perSecond: number
  /** Tokens there are at the most: what may happen at once. */
  readonly burst: number
}

/**
 * A token bucket: `burst` at once, `perSecond` for ever. It holds two numbers and no clock: who asks
 * says what time it is, in milliseconds of a clock that never goes back.
 *
 * @example
 * ```ts
 * const pings = new TokenBucket({ perSecond: 2, burst: 10 }, clock.now())
 * if (!pings.take(clock.now())) refuse()
 * ```
 */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  /** It is full. @param now - milliseconds */
  constructor({ perSecond, burst }: Rate, now: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#left = burst
    this.#at = now
  }

  /** Takes a token. @param now - milliseconds @returns false where there is none */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
