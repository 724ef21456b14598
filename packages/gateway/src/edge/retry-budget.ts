/** Part of the traffic that retries may be, and how many of them may come at once. */
const SHARE = 0.2
const BURST = 100

const never = (): boolean => false

/** Retries are a fifth of all requests at the most, so that a mesh in trouble gets no more of it. */
export class RetryBudget {
  #tokens = BURST

  /** A request came, and the budget grows. @returns what to ask before it is sent again */
  request(allowed: boolean): () => boolean {
    this.#tokens = Math.min(BURST, this.#tokens + SHARE)
    return allowed ? this.take : never
  }

  /** Whether one may be sent again. */
  readonly take = (): boolean => {
    // Five fifths make no whole in binary.
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens--
    return true
  }
}
