/** What waits to be handed on: bytes, then perhaps the end of them. */
export type Arrival = Uint8Array | 'end'

/** Arrivals of a link nobody listens to at the moment. */
export class Inbox {
  readonly #arrivals: Arrival[] = []
  #bytes = 0

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  push(arrival: Arrival): void {
    this.#arrivals.push(arrival)
    if (arrival !== 'end') this.#bytes += arrival.length
  }

  shift(): Arrival | undefined {
    const arrival = this.#arrivals.shift()
    if (arrival !== undefined && arrival !== 'end') this.#bytes -= arrival.length
    return arrival
  }

  clear(): void {
    this.#arrivals.length = 0
    this.#bytes = 0
  }
}
