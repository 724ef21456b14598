// What a peer costs that does nothing: a connection alone, and 5,000 authenticated peers of one node.
import { withPair } from '../lib/pair.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Case, Options } from '../lib/types.d.ts' */

const CONNECTION = 'an idle authenticated connection'
const PEERS = 'idle authenticated peers of one node'
const KIB = 1024

/** Connections held while memory is first looked at, and when it is looked at again. */
const SYSTEMS = [
  { name: 'raw-tcp', few: 1_000, many: 4_000, note: 'a TCP connection' },
  { name: 'raw-gcm', few: 1_000, many: 4_000, note: undefined },
  { name: 'tls-mutual', few: 500, many: 1_500, note: undefined },
  {
    name: 'protomux-rpc',
    few: 500,
    many: 1_500,
    note: '@hyperswarm/secret-stream, no channel open',
  },
  {
    name: 'flatend',
    file: 'flatend-session',
    few: 1_000,
    many: 4_000,
    note: 'a session of @flatend/monte over TCP',
  },
  { name: 'libp2p', few: 100, many: 300, note: undefined },
  { name: 'flatend-2020', few: 800, many: 1_600, note: undefined },
]

/**
 * @param {string} file - in systems/
 * @param {{ few: number, many: number }} counts
 */
function idle(file, { few, many }) {
  return withPair(file, async ({ server, client, target }) => {
    const at = async (/** @type {number} */ count, /** @type {number} */ more) => {
      await client.ask('open', { target, count: more, atOnce: 64 })
      await server.ask('opened', count)
      await Promise.all([server.ask('collect'), client.ask('collect')])
      return await Promise.all([server.usage(), client.usage()])
    }
    const [serverFew, clientFew] = await at(few, few)
    const [serverMany, clientMany] = await at(many, many - few)
    const each = (/** @type {number} */ bytes) => bytes / KIB / (many - few)
    return {
      server: each(serverMany.rss - serverFew.rss),
      client: each(clientMany.rss - clientFew.rss),
    }
  })
}

const COLUMNS = [
  { key: 'server', title: 'listener KiB', digits: 1 },
  { key: 'client', title: 'dialer KiB', digits: 1 },
]

/** 5,000 more than a few that warm the process up. @param {boolean} quick */
const ofNode = (quick) => (quick ? { few: 250, many: 1_250 } : { few: 1_000, many: 6_000 })

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
export async function idlePeers(options) {
  const few = { ...options, rounds: Math.min(options.rounds, 3) }
  const connections = await runRounds(
    {
      suite: 'memory',
      cases: [{ title: CONNECTION, columns: COLUMNS, goals: [{ key: 'server', atMost: 20 }] }],
      contestants: SYSTEMS.map(({ name, file = name, note, ...counts }) => ({
        name,
        note,
        measure: async () => ({ [CONNECTION]: await idle(file, counts) }),
      })),
    },
    few,
  )
  const counts = ofNode(options.quick)
  const peers = await runRounds(
    {
      suite: 'memory',
      cases: [
        {
          title: `${(counts.many - counts.few).toLocaleString('en')} ${PEERS}`,
          key: PEERS,
          columns: COLUMNS,
          goals: [{ key: 'server', atMost: 20 }],
        },
      ],
      contestants: [
        {
          name: 'flatend',
          note: 'listener: @flatend/node; dialers: sessions, each with an identity of its own',
          measure: async () => ({ [PEERS]: await idle('flatend-peers', counts) }),
        },
      ],
    },
    few,
  )
  return [...connections, ...peers]
}
