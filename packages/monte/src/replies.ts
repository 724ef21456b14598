import type { Reader } from '@flatend/wire'
import type { Clock, Timer } from './ports.ts'

/** Hears the answer to a request; status -1 where there is none. */
export type OnReply = (status: number, body: Reader | undefined) => void

/** Status of a request that nobody answered. */
export const NO_REPLY = -1

interface Pending {
  readonly onReply: OnReply
  readonly timer: Timer
}

/** Requests that wait for an answer. */
export class Replies {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #pending = new Map<number, Pending>()

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Waits for the answer to `seq`. */
  expect(seq: number, onReply: OnReply): void {
    const timer = this.#clock.schedule(this.#timeoutMs, () => {
      this.#pending.delete(seq)
      onReply(NO_REPLY, undefined)
    })
    this.#pending.set(seq, { onReply, timer })
  }

  /** An answer came; those nobody waits for, or waits for no more, are ignored. */
  settle(seq: number, status: number, body: Reader): void {
    const pending = this.#pending.get(seq)
    if (!pending) return
    this.#pending.delete(seq)
    pending.timer.cancel()
    pending.onReply(status, body)
  }

  /** No more answers will come. */
  close(): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { onReply, timer } of pending) {
      timer.cancel()
      onReply(NO_REPLY, undefined)
    }
  }
}
