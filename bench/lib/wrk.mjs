// HTTP load from another process: wrk where there is one, else our own.
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseWrk } from './wrk-output.mjs'

/** @import { Load } from './wrk-output.mjs' */

const run = promisify(execFile)
const OWN = fileURLToPath(new URL('../http/load.mjs', import.meta.url))

export const hasWrk = spawnSync('wrk', ['-v']).error === undefined

/**
 * @param {string} url
 * @param {{ connections: number, seconds: number }} shape
 * @returns {Promise<Load>} throws where a response is not 2xx or 3xx
 */
export async function load(url, { connections, seconds }) {
  const result = hasWrk
    ? parseWrk(
        (await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url])).stdout,
      )
    : JSON.parse(
        (await run(process.execPath, [OWN, url, `${connections}`, `${seconds * 1_000}`])).stdout,
      )
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed`)
  return result
}
