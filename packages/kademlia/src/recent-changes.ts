/** Milliseconds a change is told to who connects: longer than any handshake takes. */
const TOLD = 60_000

/**
 * Services that came or went lately. A peer that connects now may have been greeted before: its
 * hello, made when the handshake began, says what was offered then.
 */
export class RecentChanges {
  /** When each changed last, the oldest first. */
  readonly #at = new Map<string, number>()

  add(service: string, now: number): void {
    this.#at.delete(service)
    this.#at.set(service, now)
    this.#forget(now)
  }

  names(now: number): readonly string[] {
    this.#forget(now)
    return [...this.#at.keys()]
  }

  #forget(now: number): void {
    for (const [service, at] of this.#at) {
      if (now - at <= TOLD) return
      this.#at.delete(service)
    }
  }
}
