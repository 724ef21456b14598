/** How long an answer may take, in milliseconds (discovery §1). */
const SHORTEST = 300
const LONGEST = 3_000
/** Weight of one measurement, as TCP has it (RFC 6298 §2.3). */
const GAIN = 1 / 8

/** Smoothed time that answers take, and the patience that follows from it. */
export class RoundTrips {
  #smoothed: number | undefined

  observe(ms: number): void {
    this.#smoothed =
      this.#smoothed === undefined ? ms : this.#smoothed + (ms - this.#smoothed) * GAIN
  }

  /** After so long no answer is expected any more: four round trips, within bounds. */
  get timeoutMs(): number {
    if (this.#smoothed === undefined) return LONGEST
    return Math.min(LONGEST, Math.max(SHORTEST, 4 * this.#smoothed))
  }

  /** The same where something else must happen first. */
  timeoutAfter(first: RoundTrips): number {
    return Math.min(LONGEST, first.timeoutMs + this.timeoutMs)
  }
}

/**
 * Past two round trips, half of a timeout, a node is slow. That too is never less than the shortest:
 * where round trips differ much, half of it is what a far node takes, and each would cost a question.
 */
export function slowAfter(timeoutMs: number): number {
  return Math.max(SHORTEST, timeoutMs / 2)
}
