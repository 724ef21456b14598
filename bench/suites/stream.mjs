// One body from the caller to the handler, in writes of 64 KiB; the handler counts and answers.
import { withPair } from '../lib/pair.mjs'
import { runRounds } from '../lib/rounds.mjs'
import { slowReader } from './slow-reader.mjs'

/** @import { Suite } from '../lib/types.d.ts' */

const MIB = 1024 * 1024
const CHUNK = 65_536

/** The slow ones get less: Moleculer would take minutes, the 2020 SDK holds most of it in memory. */
const AMOUNTS = {
  'raw-tcp': { full: 1024, quick: 256 },
  'raw-gcm': { full: 1024, quick: 256 },
  flatend: { full: 1024, quick: 256 },
  http2: { full: 1024, quick: 256 },
  'protomux-rpc': { full: 1024, quick: 256 },
  grpc: { full: 256, quick: 64 },
  nats: { full: 256, quick: 64 },
  libp2p: { full: 256, quick: 64 },
  moleculer: { full: 32, quick: 8 },
  'moleculer-encrypted': { full: 32, quick: 8 },
  'flatend-2020': { full: 64, quick: 16 },
}

/**
 * @param {string} system
 * @param {number} bytes
 */
function measure(system, bytes) {
  return withPair(system, async (pair) => {
    await pair.connect()
    await pair.client.ask('stream', { bytes: Math.min(bytes / 4, 64 * MIB), chunk: CHUNK })
    /** @type {{ result: { ms: number }, cpuUs: number }} */
    const { result, cpuUs } = await pair.measure('stream', { bytes, chunk: CHUNK })
    return {
      mbPerSecond: bytes / 1e6 / (result.ms / 1_000),
      cpuMsPerMb: cpuUs / 1_000 / (bytes / 1e6),
    }
  })
}

/** @type {Suite} */
export const stream = {
  name: 'stream',
  run: async (options) => {
    const amount = (/** @type {{ full: number, quick: number }} */ { full, quick }) =>
      options.quick ? quick : full
    const title = `${amount(AMOUNTS.flatend)} MiB one way, writes of 64 KiB`
    const moved = await runRounds(
      {
        suite: 'stream',
        cases: [
          {
            title,
            columns: [
              { key: 'mbPerSecond', title: 'MB/s', digits: 0 },
              { key: 'cpuMsPerMb', title: 'CPU ms/MB', digits: 2 },
            ],
            goals: [
              { key: 'mbPerSecond', atLeast: 400 },
              { key: 'cpuMsPerMb', atMost: 3.5 },
            ],
          },
        ],
        contestants: Object.entries(AMOUNTS).map(([name, amounts]) => ({
          name,
          note: amounts.full === AMOUNTS.flatend.full ? undefined : `${amount(amounts)} MiB only`,
          measure: async () => ({ [title]: await measure(name, amount(amounts) * MIB) }),
        })),
      },
      options,
    )
    return [...moved, ...(await slowReader(options))]
  },
}
