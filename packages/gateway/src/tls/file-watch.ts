import { type BigIntStats, type Stats, stat } from 'node:fs'
import type { CertificateClock } from './timers.ts'

/** Files to watch. */
export interface WatchOptions {
  readonly paths: readonly string[]
  /** What {@link versionsOf} said before they were read, so that no change since is missed. */
  readonly read: string | undefined
  readonly clock: CertificateClock
  /** Milliseconds between two looks. */
  readonly everyMs: number
  /** Told once the files changed and then stayed as they are from one look to the next. */
  readonly onChange: () => void
}

/**
 * Looks at files now and then: unlike the system's notices that works over links that are changed,
 * folders that are replaced and file systems of a network. Returns how to end it.
 */
export function watchFiles({ paths, read, clock, everyMs, onChange }: WatchOptions): () => void {
  let told = read
  let last: string | undefined
  let ended = false
  let cancel = nothing
  const look = async (): Promise<void> => {
    const seen = await versionsOf(paths)
    if (ended) return
    told ??= seen
    if (seen === last && seen !== told) {
      told = seen
      onChange()
    }
    last = seen
    cancel = clock.setTimer(() => void look(), everyMs)
  }
  void look()
  return () => {
    ended = true
    cancel()
  }
}

const nothing = (): void => {}

/** Tells the files as they are now from those they were before. */
export async function versionsOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(versionOf))).join('\n')
}

function versionOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    stat(
      path,
      { bigint: true },
      (error: NodeJS.ErrnoException | null, stats: Stats | BigIntStats) => {
        if (error) resolve(String(error.code))
        else {
          const { mtimeNs, ctimeNs, size, ino } = stats as BigIntStats
          resolve([mtimeNs, ctimeNs, size, ino].join(' '))
        }
      },
    )
  })
}
