// Our gateway as users run it, `flatend gateway -c FILE`, and a service that joined it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { firstAnswer, writeBenchFile } from './first-answer.mjs'
import { freePort } from './ports.mjs'
import { launch } from './process.mjs'

/** @import { Process } from './process.mjs' */

const BIN = new URL('../../apps/node/bin/flatend.js', import.meta.url)
const WORKER = new URL('worker.mjs', import.meta.url)
const START_TIMEOUT = 15_000

/** The row of the 2020 gateway where nothing but npm's part of it is compared. */
export const GO_ONLY = {
  name: 'flatend-2020',
  missing: 'its gateway exists in Go only: not on npm',
  measure: () => Promise.reject(new Error('missing')),
}

/**
 * @param {{ mesh: number, http: number, driver: string, folder: string }} ports
 */
function config({ mesh, http, driver, folder }) {
  return `addr = "127.0.0.1:${mesh}"

[[http]]
addr = "127.0.0.1:${http}"
driver = "${driver}"

[http.timeout]
read = "10m"
write = "10m"

[[http.routes]]
path = "GET /hello"
service = "hello"

[[http.routes]]
path = "GET /away"
redirect = "/hello"

[[http.routes]]
path = "GET /file.txt"
static = "${folder}/public/file.txt"

[[http.routes]]
path = "GET /download/:bytes"
service = "download"
timeout = "10m"

[[http.routes]]
path = "GET /socket"
service = "socket"
websocket = true

[[http.routes]]
path = "POST /sink"
service = "sink"
timeout = "10m"
`
}

/**
 * Starts a gateway and a service, lets `work` use them, ends both.
 * @template T
 * @param {string} driver
 * @param {(mesh: { url: string, gateway: Process, service: Process, coldMs: number }) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withGateway(driver, work) {
  const folder = await mkdtemp(join(tmpdir(), 'flatend-bench-'))
  /** @type {Process[]} */
  const processes = []
  try {
    const ports = { mesh: await freePort(), http: await freePort(), driver, folder }
    await writeBenchFile(folder)
    const file = join(folder, 'config.toml')
    await writeFile(file, config(ports))
    const start = performance.now()
    const gateway = await launch('gateway', BIN, { args: ['gateway', '-c', file], waits: false })
    processes.push(gateway)
    const url = `http://127.0.0.1:${ports.http}`
    const coldMs = await Promise.race([firstAnswer(`${url}/file.txt`, start), gateway.ended])
    const service = await launch('service', WORKER, { args: ['flatend'] })
    processes.push(service)
    await service.ask('serve', { join: [`127.0.0.1:${ports.mesh}`] })
    await answering(`${url}/hello`)
    return await work({ url, gateway, service, coldMs })
  } finally {
    for (const one of processes.toReversed()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Resolves once there is the right answer.
 * @param {string} url
 */
export async function answering(url) {
  const deadline = performance.now() + START_TIMEOUT
  for (;;) {
    const response = await fetch(url)
    const text = await response.text()
    if (response.status === 200 && text === 'Hello world!') return
    if (performance.now() > deadline) {
      throw new Error(`${new URL(url).pathname} gives ${response.status}: ${text.slice(0, 200)}`)
    }
    await sleep(50)
  }
}
