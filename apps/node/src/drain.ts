import type { Connection } from '@flatend/rpc'
import type { Clock } from './runtime.ts'

/**
 * Resolves when none of these connections has a call left, at the latest after `timeoutMs`; then they
 * take and make no more. What runs until then may call others: an answer may need that.
 */
export async function drained(
  connections: readonly Connection[],
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.schedule(timeoutMs, resolve)
    const look = (): void => {
      if (!connections.every(({ idle }) => idle)) return
      timer.cancel()
      resolve()
    }
    for (const connection of connections) {
      const { onIdle } = connection
      connection.onIdle = () => {
        onIdle?.()
        look()
      }
    }
    look()
  })
  for (const connection of connections) connection.goAway()
}
