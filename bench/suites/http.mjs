// GET /hello and a file of 10 KB over 64 connections: CPU time a request of every process but the load
// generator; and how long each takes from its start to its first answer.
import { firstAnswer } from '../lib/first-answer.mjs'
import { answering, withGateway } from '../lib/gateway.mjs'
import { launch, measured } from '../lib/process.mjs'
import { runRounds } from '../lib/rounds.mjs'
import { hasWrk, load } from '../lib/wrk.mjs'
import { PEERS } from './http-peers.mjs'

/** @import { Metrics, Options, Suite, Usage } from '../lib/types.d.ts' */
/** @import { Process } from '../lib/process.mjs' */
/** @import { Peer } from './http-peers.mjs' */

/** @typedef {{ usage(): Promise<Usage> }} Measured */
/** @typedef {Record<string, Metrics>} Figures */

const FRONT = new URL('../http/front.mjs', import.meta.url)
const WORKER = new URL('../lib/worker.mjs', import.meta.url)
const CONNECTIONS = 64
const HELLO = `GET /hello, ${CONNECTIONS} connections`
const ALONE = `GET what needs nobody else, ${CONNECTIONS} connections`
const FILE = `GET a file of 10 KB, ${CONNECTIONS} connections`
const COLD = 'cold start'

/**
 * @param {string} url
 * @param {readonly Measured[]} processes - whose CPU time counts
 * @param {Options} options
 * @returns {Promise<Metrics>}
 */
async function loaded(url, processes, { quick }) {
  await load(url, { connections: CONNECTIONS, seconds: quick ? 1 : 2 })
  const { result, cpuUs } = await measured(processes, () =>
    load(url, { connections: CONNECTIONS, seconds: quick ? 1 : 4 }),
  )
  return {
    cpuMs: cpuUs / 1_000 / result.requests,
    perSecond: (result.requests / result.ms) * 1_000,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
  }
}

/**
 * What is measured of one system that runs.
 * @typedef {object} Running
 * @property {string} url
 * @property {readonly Measured[]} processes - that answer `/hello`
 * @property {Measured} [files] - what answers `/file.txt` alone
 * @property {Measured} [alone] - what answers `path` alone
 * @property {string} [path] - `/hello` where there is none
 * @property {number} coldMs
 */

/**
 * @param {Running} running
 * @param {Options} options
 * @returns {Promise<Figures>}
 */
async function measure({ url, processes, files, alone, path, coldMs }, options) {
  await answering(`${url}/hello`)
  /** @type {Figures} */
  const figures = { [COLD]: { coldMs } }
  figures[HELLO] = await loaded(`${url}/hello`, processes, options)
  if (alone) {
    figures[ALONE] =
      path === undefined ? figures[HELLO] : await loaded(`${url}${path}`, [alone], options)
  }
  if (files) figures[FILE] = await loaded(`${url}/file.txt`, [files], options)
  return figures
}

/**
 * A server without a mesh.
 * @param {string} kind - of http/front.mjs
 * @param {Options} options
 */
async function front(kind, options) {
  const start = performance.now()
  const server = await launch(kind, FRONT)
  /** @type {Process | undefined} */
  let behind
  try {
    if (kind === 'uws-gcm') behind = await launch('raw-gcm server', WORKER, { args: ['raw-gcm'] })
    const target = await behind?.ask('serve')
    const port = await server.ask('listen', { kind, target })
    const url = `http://127.0.0.1:${port}`
    const coldMs = await firstAnswer(`${url}/hello`, start)
    const processes = behind ? [server, behind] : [server]
    const running = { url, processes, coldMs }
    return await measure(behind ? running : { ...running, alone: server }, options)
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
  return withGateway(driver, ({ url, gateway, service, coldMs }) => {
    const processes = [gateway, service]
    const running = { url, processes, files: gateway, alone: gateway, path: '/away', coldMs }
    return measure(running, options)
  })
}

/**
 * @param {Peer} peer
 * @param {Options} options
 */
function contestant({ name, note, missing, run }, options) {
  const one = { name, note, measure: () => run((running) => measure(running, options)) }
  return missing === undefined ? one : { ...one, missing }
}

const COLUMNS = [
  { key: 'cpuMs', title: 'CPU ms/request', digits: 3 },
  { key: 'perSecond', title: 'requests/s', digits: 0 },
  { key: 'p50Ms', title: 'p50 ms', digits: 1 },
  { key: 'p99Ms', title: 'p99 ms', digits: 1 },
]
const LOAD = hasWrk
  ? 'wrk'
  : 'node:http: wrk is missing, requests/s and times are the load generator’s'
const CASES = [
  {
    title: `${HELLO}, load by ${LOAD}`,
    key: HELLO,
    columns: COLUMNS,
    goals: [
      { key: 'cpuMs', atMost: 0.045 },
      { key: 'cpuMs', atMost: 0.075, system: 'flatend-node' },
      { key: 'p99Ms', atMost: 1, times: 'nginx' },
    ],
  },
  {
    title: `${ALONE}: hello, or a redirect of ours, load by ${LOAD}`,
    key: ALONE,
    columns: COLUMNS,
    goals: [
      { key: 'cpuMs', atMost: 1.3, times: 'uws' },
      { key: 'cpuMs', atMost: 1.3, times: 'node:http', system: 'flatend-node' },
    ],
  },
  {
    title: `${FILE}, load by ${LOAD}`,
    key: FILE,
    columns: COLUMNS,
    goals: [{ key: 'cpuMs', atMost: 1.5, times: 'nginx' }],
  },
  {
    title: `${COLD}: from the start of the program to its first answer`,
    key: COLD,
    columns: [{ key: 'coldMs', title: 'ms', digits: 0 }],
    goals: [
      { key: 'coldMs', atMost: 500 },
      { key: 'coldMs', atMost: 500, system: 'flatend-node' },
    ],
  },
]

/** @type {Suite} */
export const http = {
  name: 'http',
  run: (options) =>
    runRounds(
      {
        suite: 'http',
        cases: CASES,
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
          ...PEERS.map((peer) => contestant(peer, options)),
        ],
      },
      options,
    ),
}
