import type { Clock } from './runtime.ts'

/** After so long without an outcome the next attempt begins as well (RFC 8305 §5), in milliseconds. */
const NEXT_AFTER = 250

/** One of several ways to the same end. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>

/** Options of {@link race}. */
export interface RaceOptions {
  readonly clock: Clock
  /** Ends all. */
  readonly signal: AbortSignal
}

/**
 * Attempts that begin one after the other, when the last failed or takes long, and go on side by
 * side. Resolves with the first that succeeds; the others are aborted.
 * @throws AggregateError of every attempt's error, in their order; the signal's reason
 */
export async function race<T>(
  attempts: readonly Attempt<T>[],
  { clock, signal }: RaceOptions,
): Promise<T> {
  const abort = new AbortController()
  const stop = (): void => abort.abort(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', stop, { once: true })
  const errors: unknown[] = []
  try {
    return await new Promise<T>((resolve, reject) => {
      let begun = 0
      let failed = 0
      const next = (): void => {
        const at = begun
        const attempt = attempts[at]
        if (!attempt || abort.signal.aborted) return
        begun++
        void run(attempt, at)
      }
      const run = async (attempt: Attempt<T>, at: number): Promise<void> => {
        const timer = clock.schedule(NEXT_AFTER, next)
        try {
          resolve(await attempt(abort.signal))
        } catch (error) {
          errors[at] = error
          failed++
          if (signal.aborted) reject(signal.reason as Error)
          else if (failed === attempts.length) reject(new AggregateError(errors, 'all failed'))
          // Where a later one goes on already, its own timer begins the next.
          else if (begun === at + 1) next()
        } finally {
          timer.cancel()
        }
      }
      next()
    })
  } finally {
    signal.removeEventListener('abort', stop)
    abort.abort(new Error('another address answered first'))
  }
}
