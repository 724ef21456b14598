// Routing tables: 10,000 ids learned, the 20 nearest to a target found. One process, so that what
// is compared runs in the same engine with the same heap; systems take turns.
import { launch } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Metrics, Options, Suite } from '../lib/types.d.ts' */
/** @import { Process } from '../lib/process.mjs' */

const WORKER = new URL('../table/worker.mjs', import.meta.url)
const TITLE = '10,000 ids offered, 20 nearest'
const SYSTEMS = [
  { name: 'flatend', note: undefined },
  { name: 'k-bucket', note: undefined },
  { name: 'flatend-2020', note: 'near ones, seldom the nearest' },
]

/** @type {Suite} */
export const table = {
  name: 'table',
  run: async (options) => {
    const worker = await launch('table', WORKER)
    try {
      return await runRounds(contest(worker, options), options)
    } finally {
      await worker.stop()
    }
  },
}

/**
 * @param {Process} worker
 * @param {Options} options
 */
function contest(worker, { quick }) {
  return {
    suite: 'table',
    cases: [
      {
        title: TITLE,
        columns: [
          { key: 'inserts', title: 'inserts/s', digits: 0 },
          { key: 'closest', title: 'closest(20)/s', digits: 0 },
          { key: 'exact', title: 'exact %', digits: 1, alone: true },
          { key: 'kept', title: 'ids kept', digits: 0, alone: true },
        ],
        goals: [
          { key: 'inserts', atLeast: 1, times: 'k-bucket' },
          { key: 'closest', atLeast: 4, times: 'k-bucket' },
          { key: 'exact', atLeast: 100 },
        ],
      },
    ],
    contestants: SYSTEMS.map(({ name, note }) => ({
      name,
      note,
      /** @returns {Promise<Record<string, Metrics>>} */
      measure: async () => ({
        [TITLE]: await worker.ask('measure', { name, ms: quick ? 200 : 600 }),
      }),
    })),
  }
}
