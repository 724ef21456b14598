import { performance } from 'node:perf_hooks'

/** A timer that was set; see {@link Clock}. */
export interface Timer {
  cancel(): void
}

/** Time as the layers see it: milliseconds that never go back, and timers. */
export interface Clock {
  now(): number
  schedule(delayMs: number, callback: () => void): Timer
}

/** The longest timer there is: Node makes 1 ms of what is longer. */
export const LONGEST_TIMER: number = 0x7fff_ffff

/** Real time. Its timers never keep a process alive: sockets and the application do that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(LONGEST_TIMER, delayMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * Runs `task` when everything this tick set in motion is done: microtasks drain first, so what 64
 * resolved calls send next still leaves in one packet.
 */
export function deferToEndOfTick(task: () => void): void {
  queueMicrotask(() => process.nextTick(task))
}

/**
 * Runs `task` when everything this turn of the event loop brought is done. A tick ends with the
 * callback of each socket, and so would be that of one request: for a gateway, the requests of 64
 * clients leave in one packet, and cost half. A call by itself costs a tenth more, so nodes do not.
 */
export function deferToEndOfTurn(task: () => void): void {
  setImmediate(task)
}
