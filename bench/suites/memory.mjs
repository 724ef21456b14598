// Resident memory: what a large body adds to every process on its way through the gateway, and what
// a connection costs that does nothing.
import { GO_ONLY, withGateway } from '../lib/gateway.mjs'
import { withPair } from '../lib/pair.mjs'
import { launch, measured } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Case, Metrics, Options, Suite } from '../lib/types.d.ts' */
/** @import { Process } from '../lib/process.mjs' */

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

/** Where a system's file has another name than its row. @type {Record<string, string>} */
const FILES = { flatend: 'flatend-session' }

/** Connections held while memory is first looked at, and when it is looked at again. */
const IDLE = [
  { name: 'raw-tcp', few: 1_000, many: 4_000, note: 'a TCP connection' },
  { name: 'raw-gcm', few: 1_000, many: 4_000, note: undefined },
  { name: 'tls-mutual', few: 500, many: 1_500, note: undefined },
  { name: 'flatend', few: 1_000, many: 4_000, note: 'a session of @flatend/monte over TCP' },
  { name: 'flatend-2020', few: 800, many: 1_600, note: undefined },
]

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
 * Begins to watch a process's resident memory; what it gives ends that and says by how much the
 * highest was above the first, in bytes.
 * @param {Process} process
 * @returns {Promise<() => Promise<number>>}
 */
async function grows(process) {
  const { rss } = await process.usage()
  await process.ask('watch')
  return async () => {
    /** @type {number} */
    const peak = await process.ask('peak')
    return peak - rss
  }
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

/**
 * @param {string} system
 * @param {{ few: number, many: number }} counts
 */
function idle(system, { few, many }) {
  return withPair(FILES[system] ?? system, async ({ server, client, target }) => {
    const at = async (/** @type {number} */ count, /** @type {number} */ more) => {
      await client.ask('open', { target, count: more, atOnce: 64 })
      await server.ask('opened', count)
      await Promise.all([server.ask('collect'), client.ask('collect')])
      return await Promise.all([server.usage(), client.usage()])
    }
    const [serverFew, clientFew] = await at(few, few)
    const [serverMany, clientMany] = await at(many, many - few)
    const kib = (/** @type {number} */ bytes) => bytes / 1024 / (many - few)
    return {
      server: kib(serverMany.rss - serverFew.rss),
      client: kib(clientMany.rss - clientFew.rss),
    }
  })
}

const IDLE_TITLE = 'an idle authenticated peer'

/**
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
function runIdle(options) {
  return runRounds(
    {
      suite: 'memory',
      cases: [
        {
          title: IDLE_TITLE,
          columns: [
            { key: 'server', title: 'listener KiB', digits: 1 },
            { key: 'client', title: 'dialer KiB', digits: 1 },
          ],
          goals: [{ key: 'server', atMost: 20 }],
        },
      ],
      contestants: IDLE.map(({ name, few, many, note }) => ({
        name,
        note,
        measure: async () => ({ [IDLE_TITLE]: await idle(name, { few, many }) }),
      })),
    },
    { ...options, rounds: Math.min(options.rounds, 3) },
  )
}

/** @type {Suite} */
export const memory = {
  name: 'memory',
  run: async (options) => {
    const moved = await runBodies(options)
    return [...moved, ...(await runIdle(options))]
  },
}
