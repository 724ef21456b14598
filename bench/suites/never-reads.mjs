// 300 MB for a handler that takes nothing: what of it piles up in memory, and on which side.
import { flood } from '../lib/flood.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Case, Options } from '../lib/types.d.ts' */

const BYTES = 300_000_000
const TITLE = '300 MB for a handler that never reads'

const SYSTEMS = [
  { name: 'flatend', note: undefined },
  { name: 'http2', note: undefined },
  { name: 'grpc', note: undefined },
  { name: 'nats', note: 'its broker’s memory counts to the handler' },
]

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
export function neverReads(options) {
  return runRounds(
    {
      suite: 'memory',
      cases: [
        {
          title: TITLE,
          columns: [
            { key: 'reader', title: 'handler grew MB', digits: 1, alone: true },
            { key: 'sender', title: 'sender grew MB', digits: 1, alone: true },
            { key: 'sent', title: 'taken of the sender MB', digits: 1, alone: true },
          ],
          goals: [
            { key: 'reader', atMost: 16 },
            { key: 'sender', atMost: 16 },
          ],
        },
      ],
      contestants: SYSTEMS.map(({ name, note }) => ({
        name,
        note,
        measure: async () => ({
          [TITLE]: await flood(name, {
            sink: 'never',
            bytes: BYTES,
            ms: options.quick ? 2_000 : 6_000,
          }),
        }),
      })),
    },
    { ...options, rounds: Math.min(options.rounds, 3) },
  )
}
