// Connections set up, 64 at once: the CPU time of both sides until both are done.
import { withPair } from '../lib/pair.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Suite } from '../lib/types.d.ts' */

const AT_ONCE = 64
const TITLE = `set up, ${AT_ONCE} at once`

/** Where a system's file has another name than its row. @type {Record<string, string>} */
const FILES = { flatend: 'flatend-session' }

const SYSTEMS = [
  { name: 'raw-tcp', count: 4_000, note: 'a TCP connection, no cryptography' },
  { name: 'raw-gcm', count: 2_000, note: 'X25519, mutual Ed25519, AES-256-GCM' },
  {
    name: 'tls-mutual',
    count: 1_500,
    note: 'node:tls 1.3, X25519, Ed25519 certificates both ways',
  },
  { name: 'flatend', count: 2_000, note: 'a session of @flatend/monte over TCP' },
  {
    name: 'protomux-rpc',
    count: 1_500,
    note: 'Noise XX with Ed25519 keys, as hyperdht has it, over TCP',
  },
  { name: 'libp2p', count: 256, note: 'noise, yamux and their negotiation' },
  { name: 'flatend-2020', count: 192, note: undefined },
]

/**
 * @param {string} system
 * @param {number} count
 */
function measure(system, count) {
  return withPair(FILES[system] ?? system, async (pair) => {
    const { server, client, target } = pair
    const warm = Math.ceil(count / 4)
    await client.ask('open', { target, count: warm, atOnce: AT_ONCE })
    await server.ask('opened', warm)
    await client.ask('drop')
    /** @type {{ result: number, cpuUs: number }} */
    const { result: ms, cpuUs } = await pair.during(async () => {
      const start = performance.now()
      await client.ask('open', { target, count, atOnce: AT_ONCE })
      await server.ask('opened', warm + count)
      return performance.now() - start
    })
    return { cpuUs: cpuUs / count, perSecond: (count / ms) * 1_000 }
  })
}

/** @type {Suite} */
export const connect = {
  name: 'connect',
  run: (options) =>
    runRounds(
      {
        suite: 'connect',
        cases: [
          {
            title: TITLE,
            columns: [
              { key: 'cpuUs', title: 'CPU µs/connection', digits: 0 },
              { key: 'perSecond', title: 'connections/s', digits: 0 },
            ],
            goals: [{ key: 'cpuUs', atMost: 1_600 }],
          },
        ],
        contestants: SYSTEMS.map(({ name, count, note }) => ({
          name,
          note,
          measure: async () => ({
            [TITLE]: await measure(name, options.quick ? Math.ceil(count / 4) : count),
          }),
        })),
      },
      options,
    ),
}
