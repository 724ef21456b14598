import type { Clock, Timer } from './ports.ts'

/** The longest delay every runtime's timers take, 2^31 - 1 ms; a later time is reached in steps. */
export const MAX_DELAY_MS = 0x7fff_ffff

/** Something that is told when its time is over. */
export interface Expiring {
  /** Clock time in milliseconds; `Infinity` once it no longer matters. */
  readonly deadline: number
  expire(): void
}

/**
 * Deadlines of many calls under one timer: a binary heap by time. What ends earlier is not searched
 * for; it leaves when its time comes, or when half of the heap is such.
 */
export class Deadlines {
  readonly #clock: Clock
  #heap: Expiring[] = []
  #times: number[] = []
  #ended = 0
  #timer: Timer | undefined
  #due = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(item: Expiring): void {
    this.#push(item, item.deadline)
    this.#arm()
  }

  /** Says that an item was ended: its deadline is `Infinity` now. */
  ended(): void {
    this.#ended++
    if (this.#ended < 64 || this.#ended * 2 < this.#heap.length) return
    const live = this.#heap.filter((item) => item.deadline !== Number.POSITIVE_INFINITY)
    this.clear()
    for (const item of live) this.#push(item, item.deadline)
    this.#arm()
  }

  clear(): void {
    this.#heap = []
    this.#times = []
    this.#ended = 0
    this.#timer?.cancel()
    this.#timer = undefined
    this.#due = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const next = this.#times[0]
    // A timer that fires early is cheaper than one set anew for each call.
    if (next === undefined || next >= this.#due) return
    this.#timer?.cancel()
    this.#due = next
    const delay = Math.min(MAX_DELAY_MS, Math.max(0, next - this.#clock.now()))
    this.#timer = this.#clock.schedule(delay, this.#fire)
  }

  readonly #fire = (): void => {
    this.#due = Number.POSITIVE_INFINITY
    this.#timer = undefined
    const now = this.#clock.now()
    while ((this.#times[0] ?? Number.POSITIVE_INFINITY) <= now) {
      const item = this.#pop()
      if (item.deadline === Number.POSITIVE_INFINITY) this.#ended = Math.max(0, this.#ended - 1)
      else item.expire()
    }
    this.#arm()
  }

  #push(item: Expiring, time: number): void {
    let at = this.#heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((this.#times[parent] as number) <= time) break
      this.#place(at, parent)
      at = parent
    }
    this.#heap[at] = item
    this.#times[at] = time
  }

  #pop(): Expiring {
    const top = this.#heap[0] as Expiring
    const item = this.#heap.pop() as Expiring
    const time = this.#times.pop() as number
    const length = this.#heap.length
    if (length === 0) return top
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= length) break
      if (child + 1 < length && (this.#times[child + 1] as number) < (this.#times[child] as number))
        child++
      if ((this.#times[child] as number) >= time) break
      this.#place(at, child)
      at = child
    }
    this.#heap[at] = item
    this.#times[at] = time
    return top
  }

  #place(at: number, from: number): void {
    this.#heap[at] = this.#heap[from] as Expiring
    this.#times[at] = this.#times[from] as number
  }
}
