// Measures one system's lookups; each system has a process of its own, since 2,000 tables are large.
import { handle, ready } from '../lib/agent.mjs'
import { ids, targets, trulyNearest } from './network.mjs'

/**
 * @typedef {object} Lookups
 * @property {(from: Buffer, target: Buffer) => Promise<{ found: readonly Uint8Array[], messages: number }>} lookup
 */

/** Who looks up, in turn. */
const SOURCES = 50
const CHECKED = 200

/** @type {Record<string, () => Promise<Lookups>>} */
const systems = {
  flatend: async () => (await import('./flatend.mjs')).flatendLookups(),
  'k-bucket': async () => {
    const { create } = await import('../table/k-bucket.mjs')
    return (await import('./plain.mjs')).plainLookups(create)
  },
  'kademlia-routing-table': async () => {
    const { create } = await import('./kademlia-routing-table.mjs')
    return (await import('./plain.mjs')).plainLookups(create)
  },
}

/** @param {Lookups} lookups @param {number} i */
function run(lookups, i) {
  const from = /** @type {Buffer} */ (ids[(i * 37) % SOURCES])
  return lookups.lookup(from, /** @type {Buffer} */ (targets[i % targets.length]))
}

handle('measure', async (/** @type {{ name: string, ms: number }} */ { name, ms }) => {
  const lookups = await systems[name]?.()
  if (!lookups) throw new Error(`no lookups of ${name}`)
  let exact = 0
  let messages = 0
  for (let i = 0; i < CHECKED; i++) {
    const one = await run(lookups, i)
    messages += one.messages
    const from = /** @type {Buffer} */ (ids[(i * 37) % SOURCES])
    // Who asks does not find itself.
    const truth = trulyNearest(/** @type {Buffer} */ (targets[i])).filter((id) => id !== from)
    if (truth.every((id, at) => Buffer.compare(id, one.found[at] ?? from) === 0)) exact++
  }
  const before = process.cpuUsage()
  const start = performance.now()
  let count = 0
  while (performance.now() - start < ms) {
    await run(lookups, CHECKED + count)
    count++
  }
  const { user, system } = process.cpuUsage(before)
  return {
    cpu: (user + system) / count,
    rate: (count / (performance.now() - start)) * 1_000,
    messages: messages / CHECKED,
    exact: (exact / CHECKED) * 100,
  }
})

ready()
