import { createHash } from 'node:crypto'

/** What happens between two nodes. */
export const EVENT = { dial: 1, request: 2, reply: 3, tell: 4 } as const

const FIELDS = 4
const BATCH = 1_024

/** A hash over everything that happened, in order: equal where two runs were. */
export class Trace {
  #count = 0
  readonly #hash = createHash('sha256')
  readonly #batch = new Float64Array(BATCH * FIELDS)

  /** Events so far. */
  get count(): number {
    return this.#count
  }

  add(now: number, kind: number, [a, b]: readonly [number, number]): void {
    const at = (this.#count % BATCH) * FIELDS
    this.#batch[at] = now
    this.#batch[at + 1] = kind
    this.#batch[at + 2] = a
    this.#batch[at + 3] = b
    this.#count++
    if (this.#count % BATCH === 0) this.#hash.update(this.#batch)
  }

  /** 16 digits of the hash so far. */
  digest(): string {
    const rest = this.#batch.subarray(0, (this.#count % BATCH) * FIELDS)
    return this.#hash.copy().update(rest).digest('hex').slice(0, 16)
  }
}
