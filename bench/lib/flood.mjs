// A body pressed on a handler that takes less than comes: how much piles up, and where.
import { setTimeout as sleep } from 'node:timers/promises'
import { withPair } from './pair.mjs'

/** @import { Metrics, Sink } from './types.d.ts' */
/** @import { Process } from './process.mjs' */

const CHUNK = 65_536
/** Moved first, so that what follows is growth and not the start of a process. */
const WARM_UP = 16 * 1024 * 1024
/** How often both sides are asked how far they are, in milliseconds. */
const INTERVAL = 50

/**
 * Begins to watch a process's resident memory; what it gives ends that and says by how much the
 * highest was above the first, in bytes.
 * @param {Process} process
 * @returns {Promise<() => Promise<number>>}
 */
export async function grows(process) {
  const { rss } = await process.usage()
  await process.ask('watch')
  return async () => {
    /** @type {number} */
    const peak = await process.ask('peak')
    return peak - rss
  }
}

/**
 * @param {string} system
 * @param {{ sink: Sink, bytes: number, ms: number }} flood - `ms`: how long it is looked at
 * @returns {Promise<Metrics>} in MB: `sent`; `ahead`, the most by which it was above what was taken;
 *   `sender` and `reader`, growth of memory
 */
export function flood(system, { sink, bytes, ms }) {
  return withPair(system, async (pair) => {
    await pair.connect()
    await pair.client.ask('stream', { bytes: WARM_UP, chunk: CHUNK })
    const sides = [pair.client, pair.server]
    await Promise.all(sides.map((side) => side.ask('collect')))
    const grown = await Promise.all(sides.map(grows))
    await pair.client.ask('flood', { bytes, chunk: CHUNK, sink })
    const deadline = performance.now() + ms
    let sent = 0
    let ahead = 0
    while (performance.now() < deadline) {
      await sleep(INTERVAL)
      // Asked in this order, what is taken in between is no lead that there never was.
      sent = await pair.client.ask('sent')
      /** @type {number} */
      const consumed = sink === 'slow' ? await pair.server.ask('consumed') : 0
      ahead = Math.max(ahead, sent - consumed)
    }
    const [sender = 0, reader = 0] = await Promise.all(grown.map((ended) => ended()))
    return { sent: sent / 1e6, ahead: ahead / 1e6, sender: sender / 1e6, reader: reader / 1e6 }
  })
}
