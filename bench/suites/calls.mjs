// Calls that are echoed: how much both sides work for one, and how many there are in a second.
import { withPair } from '../lib/pair.mjs'
import { runRounds } from '../lib/rounds.mjs'

/** @import { Options, Suite } from '../lib/types.d.ts' */

const CASES = [
  { title: '32 B, 1 at a time', bytes: 32, atOnce: 1, atMost: 110 },
  { title: '32 B, 64 at once', bytes: 32, atOnce: 64, atMost: 10 },
  { title: '1 KiB, 1 at a time', bytes: 1024, atOnce: 1, atMost: undefined },
  { title: '1 KiB, 64 at once', bytes: 1024, atOnce: 64, atMost: 16 },
]

/** @type {readonly { name: string, note?: string }[]} */
const SYSTEMS = [
  { name: 'raw-tcp' },
  { name: 'raw-gcm' },
  { name: 'flatend' },
  { name: 'moleculer', note: 'its TCP transporter, in the clear' },
  { name: 'moleculer-encrypted', note: 'a password for all nodes, AES-256-CBC, no identities' },
  { name: 'protomux-rpc', note: 'hyperdht’s stack over TCP' },
  { name: 'http2', note: 'node:http2, TLS' },
  { name: 'nats', note: 'TLS; the CPU time of its broker counts' },
  { name: 'grpc', note: '@grpc/grpc-js, TLS, bytes as they are' },
  { name: 'libp2p', note: 'noise, yamux, a stream per call' },
  { name: 'flatend-2020' },
]

const COLUMNS = [
  { key: 'cpuUs', title: 'CPU µs/call', digits: 1 },
  { key: 'perSecond', title: 'calls/s', digits: 0 },
]

/**
 * @param {string} system
 * @param {Options} options
 */
function measure(system, { quick }) {
  const ms = quick ? 500 : 1_500
  return withPair(system, async (pair) => {
    await pair.connect()
    // Optimizing code is paid once: not by whichever case comes first.
    await pair.client.ask('calls', { bytes: 32, atOnce: 64, ms: ms * 2 })
    /** @type {Record<string, Record<string, number>>} */
    const metrics = {}
    for (const { title, bytes, atOnce } of CASES) {
      await pair.client.ask('calls', { bytes, atOnce, ms })
      /** @type {{ result: { calls: number, ms: number }, cpuUs: number }} */
      const { result, cpuUs } = await pair.measure('calls', { bytes, atOnce, ms })
      metrics[title] = {
        cpuUs: cpuUs / result.calls,
        perSecond: (result.calls / result.ms) * 1_000,
      }
    }
    return metrics
  })
}

/** @type {Suite} */
export const calls = {
  name: 'calls',
  run: (options) =>
    runRounds(
      {
        suite: 'calls',
        cases: CASES.map(({ title, atMost }) => ({
          title,
          columns: COLUMNS,
          goals: atMost === undefined ? [] : [{ key: 'cpuUs', atMost }],
        })),
        contestants: SYSTEMS.map(({ name, note }) => ({
          name,
          note,
          measure: () => measure(name, options),
        })),
      },
      options,
    ),
}
