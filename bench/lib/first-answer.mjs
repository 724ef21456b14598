// A cold start: from the moment a program is started to its first good answer.
import { mkdir, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const TIMEOUT = 15_000
const BETWEEN = 3
/** The file that static rows serve. */
const FILE_BYTES = 10_240

/**
 * Writes `public/file.txt`, of 10 KB.
 * @param {string} folder
 */
export async function writeBenchFile(folder) {
  await mkdir(join(folder, 'public'), { recursive: true })
  await writeFile(join(folder, 'public', 'file.txt'), Buffer.alloc(FILE_BYTES, 'flatend '))
}

/**
 * @param {string} url
 * @returns {Promise<number>} the status; 0 where nobody answers
 */
function status(url) {
  return new Promise((resolve) => {
    http
      .get(url, { agent: false }, (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
      })
      .once('error', () => resolve(0))
  })
}

/**
 * @param {string} url
 * @param {number} since - by performance.now()
 * @returns {Promise<number>} milliseconds until the first answer with status 200
 */
export async function firstAnswer(url, since) {
  for (;;) {
    const answered = await status(url)
    const ms = performance.now() - since
    if (answered === 200) return ms
    if (ms > TIMEOUT)
      throw new Error(`${new URL(url).pathname} gives ${answered} after ${TIMEOUT} ms`)
    await sleep(BETWEEN)
  }
}
