/** Part of the traffic that retries may be, and how many of them may come at once. */
const SHARE = 0.2
const BURST = 100

/** Retries are a fifth of all requests at the most, so that a mesh in trouble gets no more of it. */
export class RetryBudget {
  #tokens = BURST

  /** A request came: the budget grows. */
  request(): void {
    this.#tokens = Math.min(BURST, this.#tokens + SHARE)
  }

  /** Whether one may be sent again. */
  readonly take = (): boolean => {
    // Five fifths make no whole in binary.
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens--
    return true
  }
}
