import type { Clock } from './ports.ts'

/** A token bucket: `burst` at once, and `perSecond` for ever. */
export class Allowance {
  readonly #clock: Pick<Clock, 'now'>
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  constructor(clock: Pick<Clock, 'now'>, burst: number, perSecond: number) {
    this.#clock = clock
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#left = burst
    this.#at = clock.now()
  }

  /** Takes `weight` tokens. @returns false where there are not as many */
  take(weight: number): boolean {
    const now = this.#clock.now()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < weight) return false
    this.#left -= weight
    return true
  }
}
