const LAST_SEQ = 0xffff_fffd

/** Numbers of our requests: a dialer's odd, a listener's even, from the start again at the end. */
export class Sequence {
  #first = 0
  #next = 0

  /** In v1 the handshake was the dialer's request number 1. */
  start(dialer: boolean, version: 1 | 2): void {
    if (!dialer) this.#first = 2
    else this.#first = version === 1 ? 3 : 1
    this.#next = this.#first
  }

  next(): number {
    const seq = this.#next
    this.#next = seq >= LAST_SEQ ? this.#first : seq + 2
    return seq
  }
}
