// What a WebSocket costs that does nothing: 10,000 of them at a gateway, each a call of one service.
import { withGateway } from '../lib/gateway.mjs'
import { launch } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Case, Options } from '../lib/types.d.ts' */

const SOCKETS = 'idle WebSockets at the gateway, each after one message'
const CLIENT = new URL('../http/sockets.mjs', import.meta.url)
const KIB = 1024

const COLUMNS = [
  { key: 'gateway', title: 'gateway KiB', digits: 1 },
  { key: 'service', title: 'service KiB', digits: 1 },
]
const GOALS = ['flatend', 'flatend-node'].map((system) => ({ system, key: 'gateway', atMost: 12 }))

/** 10,000 more than a few that warm the processes up. @param {boolean} quick */
const countsOf = (quick) => (quick ? { few: 250, many: 1_250 } : { few: 1_000, many: 11_000 })

/**
 * @param {string} driver
 * @param {{ few: number, many: number }} counts
 */
function idle(driver, { few, many }) {
  return withGateway(driver, async ({ url, gateway, service }) => {
    const client = await launch('client', CLIENT)
    try {
      const port = Number(new URL(url).port)
      const at = async (/** @type {number} */ more) => {
        await client.ask('open', { port, count: more, atOnce: 64 })
        await Promise.all([gateway.ask('collect'), service.ask('collect')])
        return await Promise.all([gateway.usage(), service.usage()])
      }
      const before = await at(few)
      const after = await at(many - few)
      const held = await client.ask('open?')
      if (held !== many) throw new Error(`${held} of ${many} are still open`)
      const each = (/** @type {0 | 1} */ side) =>
        (after[side].rss - before[side].rss) / KIB / (many - few)
      return { gateway: each(0), service: each(1) }
    } finally {
      await client.stop()
    }
  })
}

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
export function idleSockets(options) {
  const counts = countsOf(options.quick)
  return runRounds(
    {
      suite: 'memory',
      cases: [
        {
          title: `${(counts.many - counts.few).toLocaleString('en')} ${SOCKETS}`,
          key: SOCKETS,
          columns: COLUMNS,
          goals: GOALS,
        },
      ],
      contestants: [
        {
          name: 'flatend',
          note: 'driver uws',
          measure: async () => ({ [SOCKETS]: await idle('uws', counts) }),
        },
        {
          name: 'flatend-node',
          note: 'driver node',
          measure: async () => ({ [SOCKETS]: await idle('node', counts) }),
        },
      ],
    },
    { ...options, rounds: Math.min(options.rounds, 3) },
  )
}
