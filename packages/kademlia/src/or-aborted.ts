/** Waits for a task that others may wait for too. */
export function orAborted(task: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    const wait = async (): Promise<void> => {
      await task
      signal.removeEventListener('abort', stop)
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
    void wait()
  })
}
