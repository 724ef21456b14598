/** First and longest wait between tries, in milliseconds (discovery §4). */
const FIRST = 250
const LONGEST = 30_000

/** Waits that double from 250 ms to 30 s, with half of each at random so that many do not meet. */
export class Backoff {
  readonly #random: () => number
  #tries = 0

  constructor(random: () => number) {
    this.#random = random
  }

  next(): number {
    const wait = Math.min(LONGEST, FIRST * 2 ** Math.min(this.#tries, 10))
    this.#tries++
    return wait / 2 + (this.#random() * wait) / 2
  }

  reset(): void {
    this.#tries = 0
  }
}
