// Resident memory: what a large body adds to every process on its way through the gateway, what a
// handler that never reads lets pile up, and what a peer costs that does nothing.

import { grows } from '../lib/flood.mjs'
import { GO_ONLY, withGateway } from '../lib/gateway.mjs'
import { launch, measured } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'
import { idlePeers } from './idle-peers.mjs'
import { idleSockets } from './idle-sockets.mjs'
import { neverReads } from './never-reads.mjs'

/** @import { Case, Metrics, Options, Suite } from '../lib/types.d.ts' */

const MIB = 1024 * 1024
const CLIENT = new URL('../http/client.mjs', import.meta.url)
/** Moved first, so that what follows is growth and not the start of a process. */
const WARM_UP = 64 * MIB

const BODY_COLUMNS = [
  { key: 'gateway', title: 'gateway grew MB', digits: 1, alone: true },
  { key: 'service', title: 'service grew MB', digits: 1, alone: true },
  { key: 'mbPerSecond', title: 'MB/s', digits: 0 },
  { key: 'cpuMsPerMb', title: 'CPU ms/MB', digits: 2 },
]
const BODY_GOALS = ['flatend', 'flatend-node'].flatMap((system) =>
  ['gateway', 'service'].map((key) => ({ system, key, atMost: 60 })),
)

/**
 * @param {string} driver
 * @param {number} bytes
 * @returns {Promise<Record<string, Metrics>>} by direction
 */
function bodies(driver, bytes) {
  return withGateway(driver, async ({ url, gateway, service }) => {
    const client = await launch('client', CLIENT)
    try {
      /** @type {Record<string, Metrics>} */
      const found = {}
      for (const direction of ['down', 'up']) {
        await client.ask('move', { url, direction, bytes: Math.min(WARM_UP, bytes) })
        const grown = [grows(gateway), grows(service)]
        /** @type {{ result: number, cpuUs: number }} */
        const { result: ms, cpuUs } = await measured([gateway, service], () =>
          client.ask('move', { url, direction, bytes }),
        )
        const [inGateway, inService] = await Promise.all(grown.map(async (one) => (await one)()))
        found[direction] = {
          gateway: (inGateway ?? 0) / 1e6,
          service: (inService ?? 0) / 1e6,
          mbPerSecond: bytes / 1e6 / (ms / 1_000),
          cpuMsPerMb: cpuUs / 1_000 / (bytes / 1e6),
        }
      }
      return found
    } finally {
      await client.stop()
    }
  })
}

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
function runBodies(options) {
  const amount = options.quick ? 256 : 1024
  return runRounds(
    {
      suite: 'memory',
      cases: ['down', 'up'].map((direction) => ({
        title: `${amount} MiB ${direction} through the gateway`,
        key: direction,
        columns: BODY_COLUMNS,
        goals: BODY_GOALS,
      })),
      contestants: [
        { name: 'flatend', note: 'driver uws', measure: () => bodies('uws', amount * MIB) },
        { name: 'flatend-node', note: 'driver node', measure: () => bodies('node', amount * MIB) },
        GO_ONLY,
      ],
    },
    { ...options, rounds: Math.min(options.rounds, 3) },
  )
}

/** @type {Suite} */
export const memory = {
  name: 'memory',
  run: async (options) => {
    const moved = await runBodies(options)
    const unread = await neverReads(options)
    const peers = await idlePeers(options)
    return [...moved, ...unread, ...peers, ...(await idleSockets(options))]
  },
}
