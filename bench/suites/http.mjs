// GET /hello over 64 connections: CPU time a request of every process but the load generator.
import { answering, GO_ONLY, withGateway } from '../lib/gateway.mjs'
import { launch, measured } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'
import { hasWrk, load } from '../lib/wrk.mjs'

/** @import { Metrics, Options, Suite } from '../lib/types.d.ts' */
/** @import { Process } from '../lib/process.mjs' */

const FRONT = new URL('../http/front.mjs', import.meta.url)
const WORKER = new URL('../lib/worker.mjs', import.meta.url)
const CONNECTIONS = 64
const TITLE = `GET /hello, ${CONNECTIONS} connections`

/**
 * @param {string} url
 * @param {readonly Process[]} processes - whose CPU time counts
 * @param {Options} options
 * @returns {Promise<Record<string, Metrics>>}
 */
async function measure(url, processes, { quick }) {
  await answering(url)
  await load(url, { connections: CONNECTIONS, seconds: quick ? 1 : 2 })
  const { result, cpuUs } = await measured(processes, () =>
    load(url, { connections: CONNECTIONS, seconds: quick ? 1 : 4 }),
  )
  return {
    [TITLE]: {
      cpuMs: cpuUs / 1_000 / result.requests,
      perSecond: (result.requests / result.ms) * 1_000,
      p99Ms: result.p99Ms,
    },
  }
}

/**
 * A server without a mesh.
 * @param {string} kind - of http/front.mjs
 * @param {Options} options
 */
async function front(kind, options) {
  const server = await launch(kind, FRONT)
  /** @type {Process | undefined} */
  let behind
  try {
    if (kind === 'uws-gcm') behind = await launch('raw-gcm server', WORKER, { args: ['raw-gcm'] })
    const target = await behind?.ask('serve')
    const port = await server.ask('listen', { kind, target })
    const processes = behind ? [server, behind] : [server]
    return await measure(`http://127.0.0.1:${port}/hello`, processes, options)
  } finally {
    await server.stop()
    await behind?.stop()
  }
}

/**
 * @param {string} driver
 * @param {Options} options
 */
function mesh(driver, options) {
  return withGateway(driver, ({ url, gateway, service }) =>
    measure(`${url}/hello`, [gateway, service], options),
  )
}

/** @type {Suite} */
export const http = {
  name: 'http',
  run: (options) =>
    runRounds(
      {
        suite: 'http',
        cases: [
          {
            title: `${TITLE}, load by ${hasWrk ? 'wrk' : 'node:http: wrk is missing, requests/s and p99 are the load generator’s'}`,
            key: TITLE,
            columns: [
              { key: 'cpuMs', title: 'CPU ms/request', digits: 3 },
              { key: 'perSecond', title: 'requests/s', digits: 0 },
              { key: 'p99Ms', title: 'p99 ms', digits: 1 },
            ],
            goals: [{ key: 'cpuMs', atMost: 0.045 }],
          },
        ],
        contestants: [
          { name: 'uws', note: 'answers itself, no hop', measure: () => front('uws', options) },
          {
            name: 'node:http',
            note: 'answers itself, no hop',
            measure: () => front('node', options),
          },
          {
            name: 'uws-gcm',
            note: 'uws, one raw-gcm call a request',
            measure: () => front('uws-gcm', options),
          },
          { name: 'flatend', note: 'driver uws', measure: () => mesh('uws', options) },
          { name: 'flatend-node', note: 'driver node', measure: () => mesh('node', options) },
          GO_ONLY,
        ],
      },
      options,
    ),
}
