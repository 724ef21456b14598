/** A wait that began and may take only so long. */
export interface Stall {
  readonly since: number
  readonly onStall: () => void
}

/**
 * Ends bodies that make no progress: who waits for a client begins a {@link Stall} and ends it when
 * something moved. One timer for all, which runs only while somebody waits.
 */
export class StallWatch {
  readonly #timeoutMs: number
  readonly #stalls = new Set<Stall>()
  #timer: NodeJS.Timeout | undefined

  /** @param timeoutMs longest wait, in milliseconds; 0 for no limit */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  begin(onStall: () => void): Stall | undefined {
    if (this.#timeoutMs <= 0) return undefined
    const stall = { since: performance.now(), onStall }
    this.#stalls.add(stall)
    this.#timer ??= setInterval(
      () => this.#sweep(),
      Math.min(Math.max(this.#timeoutMs / 4, 10), 1_000),
    ).unref()
    return stall
  }

  end(stall: Stall | undefined): void {
    if (stall === undefined) return
    this.#stalls.delete(stall)
    if (this.#stalls.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #sweep(): void {
    const oldest = performance.now() - this.#timeoutMs
    for (const stall of this.#stalls) {
      if (stall.since > oldest) continue
      this.end(stall)
      stall.onStall()
    }
  }
}
