/** Time as certificates need it. */
export interface CertificateClock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs a function after so many milliseconds; returns how to have it not run. */
  setTimer(callback: () => void, delayMs: number): () => void
}

/** Real time. Its timers do not keep a process alive. */
export const systemClock: CertificateClock = {
  now: () => Date.now(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
