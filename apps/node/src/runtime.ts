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

/** Real time. Its timers never keep a process alive: sockets and the application do that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * Runs `task` when everything this turn of the event loop brought is done. Node runs microtasks after
 * the callback of each socket, so an earlier end would be that of one request: what the requests of 64
 * clients send to a node leaves in one packet, and costs a gateway half of what one packet each does.
 */
export function deferToEndOfTick(task: () => void): void {
  setImmediate(task)
}
