import type { Clock, Timer } from '../ports.ts'

/** Time that passes only when told to: tests of hours take milliseconds, and always the same way. */
export interface VirtualClock extends Clock {
  /** Timers that wait. */
  readonly pending: number
  /** Passes `ms`, running what falls due, in order of time and then of setting. */
  advance(ms: number): void
  /** Passes to the next timer and runs it. @returns false where there is none */
  next(): boolean
  /**
   * Passes from timer to timer until none is left or `untilMs` is reached.
   * @throws Error after `maxTimers` (1,000,000 unless told otherwise): something sets timers for ever
   */
  run(untilMs?: number, maxTimers?: number): void
}

interface Entry {
  readonly at: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

/** A clock that stands at 0. */
export function createVirtualClock(): VirtualClock {
  return new HeapClock()
}

/** Timers in a binary heap: thousands of simulated nodes set many. */
class HeapClock implements VirtualClock {
  readonly #heap: Entry[] = []
  #now = 0
  #order = 0
  #pending = 0

  get pending(): number {
    return this.#pending
  }

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const at = this.#now + Math.max(0, delayMs)
    const entry: Entry = { at, order: this.#order++, callback, cancelled: false }
    this.#push(entry)
    this.#pending++
    return {
      cancel: () => {
        if (entry.cancelled) return
        entry.cancelled = true
        this.#pending--
      },
    }
  }

  advance(ms: number): void {
    this.run(this.#now + ms)
  }

  next(): boolean {
    const entry = this.#peek()
    if (!entry) return false
    this.#pop()
    this.#now = entry.at
    // From now on a cancel is without effect.
    entry.cancelled = true
    this.#pending--
    entry.callback()
    return true
  }

  run(untilMs: number = Number.POSITIVE_INFINITY, maxTimers = 1_000_000): void {
    for (let ran = 0; ; ran++) {
      const entry = this.#peek()
      if (!entry || entry.at > untilMs) break
      if (ran === maxTimers) throw new Error(`${maxTimers} timers ran and there is no end`)
      this.next()
    }
    if (Number.isFinite(untilMs)) this.#now = Math.max(this.#now, untilMs)
  }

  /** The next entry that was not cancelled. */
  #peek(): Entry | undefined {
    while (this.#heap[0]?.cancelled) this.#pop()
    return this.#heap[0]
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (before(heap[parent] as Entry, entry)) break
      heap[at] = heap[parent] as Entry
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right && before(right, heap[child] as Entry)) child++
      if (before(last, heap[child] as Entry)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = last
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
