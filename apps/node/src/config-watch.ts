import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Logger } from './logger.ts'

/** Editors write in several steps: what they did is looked at so long after the last, in milliseconds. */
const SETTLE = 100

/**
 * Calls `onChange` after a file was written, replaced, or came back. It is the folder that is watched:
 * an editor that renames a new file into place leaves a watch of the old one without anything to see.
 * @returns how to end it
 */
export function watchFile(file: string, onChange: () => void, log: Logger): () => void {
  const path = resolve(file)
  const name = basename(path)
  let timer: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  try {
    // Kubernetes changes a mounted file by a link named ..data beside it.
    watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
      if (changed !== null && changed !== name && !changed.startsWith('..')) return
      clearTimeout(timer)
      timer = setTimeout(onChange, SETTLE)
      timer.unref()
    })
    watcher.on('error', (error) =>
      log.warn({ file, err: error }, 'the configuration is not watched'),
    )
  } catch (error) {
    log.warn({ file, err: error }, 'the configuration is not watched: reload by SIGHUP')
  }
  return () => {
    clearTimeout(timer)
    watcher?.close()
  }
}
