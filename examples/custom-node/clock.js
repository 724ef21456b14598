/** Time is a part like any other: a simulation plugs in another one. */
export const clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(() => callback(), delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}
