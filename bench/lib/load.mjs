// Closed loops: a fixed number of things in flight, each replaced when it ends.

/** @import { Client, Opened } from './types.d.ts' */

/**
 * Calls for a while, then lets what is in flight end.
 * @param {Client} client
 * @param {{ bytes: number, atOnce: number, ms: number }} shape
 * @returns {Promise<{ calls: number, ms: number }>} rejects at the first wrong answer
 */
export function callLoop(client, { bytes, atOnce, ms }) {
  const body = Buffer.alloc(bytes, 0x61)
  const start = performance.now()
  const deadline = start + ms
  let calls = 0
  let flying = atOnce
  return new Promise((resolve, reject) => {
    const next = (/** @type {number | Error} */ length) => {
      if (length !== bytes) {
        reject(
          length instanceof Error ? length : new Error(`${length} bytes came back of ${bytes}`),
        )
        return
      }
      calls++
      const now = performance.now()
      if (now < deadline) client.call(body, next)
      else if (--flying === 0) resolve({ calls, ms: now - start })
    }
    for (let i = 0; i < atOnce; i++) client.call(body, next)
  })
}

/**
 * Opens connections and keeps them.
 * @param {() => Promise<Opened>} open
 * @param {{ count: number, atOnce: number }} shape
 * @returns {Promise<{ handles: Opened[], ms: number }>}
 */
export async function openLoop(open, { count, atOnce }) {
  /** @type {Opened[]} */
  const handles = []
  let begun = 0
  const start = performance.now()
  const lane = async () => {
    while (begun < count) {
      begun++
      handles.push(await open())
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane))
  return { handles, ms: performance.now() - start }
}
