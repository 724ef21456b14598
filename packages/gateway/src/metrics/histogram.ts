/** Upper bounds in milliseconds: from a tenth of what a call takes on one machine to a long one. */
export const DURATION_BOUNDS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
]

/** Counts durations by buckets. Observing allocates nothing. */
export class Histogram {
  /** By bucket, the last for what is above all bounds; not cumulative. */
  readonly counts: Float64Array = new Float64Array(DURATION_BOUNDS.length + 1)
  /** Of everything observed, in milliseconds. */
  sum = 0
  count = 0

  observe(durationMs: number): void {
    let bucket = 0
    while (bucket < DURATION_BOUNDS.length && durationMs > (DURATION_BOUNDS[bucket] as number)) {
      bucket++
    }
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += durationMs
    this.count++
  }
}
