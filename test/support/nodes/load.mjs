// Calls at a fixed pace, whatever becomes of them, and how long each took.

const LIMIT = 5_000_000
/** Times that are kept: the last ones. */
const KEPT = 20_000

/** A quantile of times, in milliseconds with one decimal. */
function quantile(sorted, at) {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * at))
  return sorted.length === 0 ? 0 : Math.round(sorted[index] * 10) / 10
}

/**
 * An open loop: each call is begun when it is due, not when the last one is done, and its time counts
 * from when it was due. So a stall is seen by every call that fell into it.
 */
export class Load {
  #call
  #times = []
  #errors = []
  #failed = 0
  #begun = 0
  #done = 0
  #timer
  #open = new Set()

  /** @param call makes one call and rejects where its answer is not right */
  constructor(call) {
    this.#call = call
  }

  /** Calls since the start. */
  get begun() {
    return this.#begun
  }

  /** @param most calls open at a time; further ones are late, which their time shows */
  start(perSecond, most = LIMIT) {
    this.#times = []
    this.#errors = []
    this.#failed = 0
    this.#begun = 0
    this.#done = 0
    const first = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      const dueAt = () => first + (this.#begun * 1_000) / perSecond
      while (dueAt() <= now && this.#begun < LIMIT && this.#open.size < most) this.#begin(dueAt())
    }, 1_000 / perSecond)
  }

  /** Ends the pace, waits for the calls that run, and tells. */
  async stop() {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    const sorted = this.#times.toSorted((a, b) => a - b)
    return {
      calls: this.#begun,
      failed: this.#failed,
      errors: this.#errors,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      most: quantile(sorted, 1),
    }
  }

  #keep(time) {
    this.#times[this.#done % KEPT] = time
    this.#done += 1
  }

  #begin(due) {
    this.#begun += 1
    const call = this.#call().then(
      () => this.#keep(performance.now() - due),
      (error) => {
        this.#failed += 1
        if (this.#errors.length < 5) this.#errors.push(String(error?.message ?? error))
      },
    )
    this.#open.add(call)
    void call.finally(() => this.#open.delete(call))
  }
}
