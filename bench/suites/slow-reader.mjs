// A handler that takes 4 MB/s: how far the sender runs ahead of it, and what both sides hold.
import { flood } from '../lib/flood.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Case, Options } from '../lib/types.d.ts' */

const TITLE = 'a reader at 4 MB/s'

const SYSTEMS = [
  { name: 'flatend', note: undefined },
  { name: 'http2', note: undefined },
  { name: 'grpc', note: undefined },
  { name: 'nats', note: 'its broker’s memory counts to the reader; at most 512 MB are sent' },
]

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
export function slowReader(options) {
  const ms = options.quick ? 1_500 : 6_000
  return runRounds(
    {
      suite: 'stream',
      cases: [
        {
          title: TITLE,
          columns: [
            { key: 'ahead', title: 'sender ahead MB', digits: 1 },
            { key: 'sender', title: 'sender grew MB', digits: 1, alone: true },
            { key: 'reader', title: 'reader grew MB', digits: 1, alone: true },
          ],
          goals: [{ key: 'ahead', atMost: 1 }],
        },
      ],
      contestants: SYSTEMS.map(({ name, note }) => ({
        name,
        note,
        measure: async () => ({
          [TITLE]: await flood(name, { sink: 'slow', bytes: 512 * 1024 * 1024, ms }),
        }),
      })),
    },
    { ...options, rounds: Math.min(options.rounds, 3) },
  )
}
