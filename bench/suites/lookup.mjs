// Lookups of the 16 nearest nodes in a network of 2,000 in memory: the table and the search over it,
// without sockets or cryptography.
import { launch } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Metrics, Options, Suite } from '../lib/types.d.ts' */

const WORKER = new URL('../lookup/worker.mjs', import.meta.url)
const TITLE = '2,000 nodes in memory, the 16 nearest'
const SYSTEMS = [
  { name: 'flatend' },
  { name: 'k-bucket', note: 'brings no lookup: a plain one over it' },
  {
    name: 'kademlia-routing-table',
    note: "hyperdht's table; brings no lookup: a plain one over it",
  },
  { name: 'dht-rpc', missing: 'asks over UDP sockets of its own alone: none in memory' },
  {
    name: 'libp2p-kad-dht',
    missing: 'asks over libp2p connections alone: their cost would be all',
  },
]

/** @type {Suite} */
export const lookup = {
  name: 'lookup',
  run: (options) => runRounds(contest(options), options),
}

/** @param {Options} options */
function contest({ quick }) {
  return {
    suite: 'lookup',
    cases: [
      {
        title: TITLE,
        columns: [
          { key: 'cpu', title: 'CPU µs/lookup', digits: 0 },
          { key: 'rate', title: 'lookups/s', digits: 0 },
          { key: 'messages', title: 'messages', digits: 1 },
          { key: 'exact', title: 'exact %', digits: 1, alone: true },
        ],
        goals: [{ key: 'exact', atLeast: 99 }],
      },
    ],
    contestants: SYSTEMS.map(({ name, note, missing }) => ({
      name,
      note,
      missing,
      /** @returns {Promise<Record<string, Metrics>>} */
      measure: async () => {
        const worker = await launch('lookup', WORKER)
        try {
          return { [TITLE]: await worker.ask('measure', { name, ms: quick ? 300 : 3_000 }) }
        } finally {
          await worker.stop()
        }
      },
    })),
  }
}
