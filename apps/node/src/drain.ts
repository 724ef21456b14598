import type { Connection } from '@flatend/rpc'
import type { Clock } from './runtime.ts'

/**
 * Lets connections take no more calls; resolves when none has a call left, at the latest after
 * `timeoutMs`.
 */
export function drained(
  connections: readonly Connection[],
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    let busy = 0
    const timer = clock.schedule(timeoutMs, resolve)
    const done = (): void => {
      timer.cancel()
      resolve()
    }
    for (const connection of connections) {
      connection.goAway()
      if (connection.idle) continue
      busy++
      connection.onIdle = () => {
        if (--busy === 0) done()
      }
    }
    if (busy === 0) done()
  })
}
