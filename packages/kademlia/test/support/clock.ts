import type { Clock, Timer } from '../../src/index.ts'

interface Entry {
  readonly at: number
  readonly callback: () => void
  cancelled: boolean
}

/** Lets what waits on promises go on, until nobody does. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Time that passes only when told to, promises settled between timers. */
export class TestClock implements Clock {
  #entries: Entry[] = []
  #now = 0

  now(): number {
    return this.#now
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#entries.filter(({ cancelled }) => !cancelled).length
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, delayMs), callback, cancelled: false }
    let place = this.#entries.length
    while (place > 0 && (this.#entries[place - 1] as Entry).at > entry.at) place--
    this.#entries.splice(place, 0, entry)
    return {
      cancel: () => {
        entry.cancelled = true
      },
    }
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await turn()
    for (let next = this.#entries[0]; next && next.at <= until; next = this.#entries[0]) {
      this.#entries.shift()
      if (next.cancelled) continue
      this.#now = next.at
      next.callback()
      await turn()
    }
    this.#now = until
  }
}
