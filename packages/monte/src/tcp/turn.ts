import { performance } from 'node:perf_hooks'

/** What one connection may take of the process's time before the others get theirs, in milliseconds. */
const LONGEST = 4
/** The pieces of one turn follow each other at once; after so long another turn began, in milliseconds. */
const GAP = 0.25

/**
 * Measures how long a connection is read without a break. The system hands over up to 32 pieces of
 * 64 KiB of one socket before it looks at another: a peer that sends much that is costly would keep
 * all others waiting.
 */
export class Turn {
  readonly #now: () => number
  #spent = 0
  #began = 0
  #ended = 0

  /** `now` counts milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A piece came. */
  begin(): void {
    this.#began = this.#now()
    if (this.#began - this.#ended > GAP) this.#spent = 0
  }

  /** It is dealt with. @returns whether it is another's turn now */
  isOver(): boolean {
    this.#ended = this.#now()
    this.#spent += this.#ended - this.#began
    if (this.#spent < LONGEST) return false
    this.#spent = 0
    return true
  }
}
