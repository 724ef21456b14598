// Those our gateway is compared with: proxies in front of a node:http server, and other meshes.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstAnswer, writeBenchFile } from '../lib/first-answer.mjs'
import { answering } from '../lib/gateway.mjs'
import { has } from '../lib/native.mjs'
import { caddy, gateway2020, goGateway, nginx } from '../lib/natives.mjs'
import { freePort } from '../lib/ports.mjs'
import { launch } from '../lib/process.mjs'

/** @import { Running } from './http.mjs' */
/** @import { Serving } from '../lib/natives.mjs' */
/** @import { Native } from '../lib/native.mjs' */

/**
 * @template T
 * @typedef {(running: Running) => Promise<T>} Work
 */

/** @typedef {{ stop(): Promise<void> }} Stoppable */

const FRONT = new URL('../http/front.mjs', import.meta.url)
const PEER = new URL('../http/peers.mjs', import.meta.url)

/**
 * Gives `work` a folder, and ends whatever it started.
 * @template T
 * @param {(folder: string, started: Stoppable[]) => Promise<T>} work
 */
async function within(work) {
  const folder = await mkdtemp(join(tmpdir(), 'flatend-bench-'))
  /** @type {Stoppable[]} */
  const started = []
  try {
    await writeBenchFile(folder)
    return await work(folder, started)
  } finally {
    for (const one of started.toReversed()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {Stoppable[]} started */
async function helloServer(started) {
  const server = await launch('node:http', FRONT)
  started.push(server)
  return { server, upstream: Number(await server.ask('listen', { kind: 'node' })) }
}

/** @param {(serving: Serving) => Promise<Native>} start */
function native(start) {
  /**
   * @template T
   * @param {Work<T>} work
   */
  return (work) =>
    within(async (folder, started) => {
      const { server, upstream } = await helloServer(started)
      const port = await freePort()
      const since = performance.now()
      const proxy = await start({ folder, port, upstream })
      started.push(proxy)
      const url = `http://127.0.0.1:${port}`
      const coldMs = await Promise.race([firstAnswer(`${url}/file.txt`, since), proxy.ended])
      return await work({ url, processes: [proxy, server], files: proxy, coldMs })
    })
}

/**
 * @template T
 * @param {Work<T>} work
 */
function fastify(work) {
  return within(async (_, started) => {
    const { server, upstream } = await helloServer(started)
    const since = performance.now()
    const proxy = await launch('fastify', PEER)
    started.push(proxy)
    const port = await proxy.ask('listen', { kind: 'fastify', upstream })
    const url = `http://127.0.0.1:${port}`
    const coldMs = await firstAnswer(`${url}/hello`, since)
    return await work({ url, processes: [proxy, server], coldMs })
  })
}

/**
 * @template T
 * @param {Work<T>} work
 */
function moleculerWeb(work) {
  return within(async (_, started) => {
    const [own, other] = [await freePort(), await freePort()]
    const urls = [`127.0.0.1:${own}/gateway`, `127.0.0.1:${other}/hello`]
    const service = await launch('moleculer', PEER)
    started.push(service)
    await service.ask('listen', { kind: 'moleculer-hello', port: other, urls })
    const since = performance.now()
    const gateway = await launch('moleculer-web', PEER)
    started.push(gateway)
    const port = await gateway.ask('listen', { kind: 'moleculer-web', port: own, urls })
    const url = `http://127.0.0.1:${port}`
    const coldMs = await firstAnswer(`${url}/hello`, since)
    return await work({ url, processes: [gateway, service], coldMs })
  })
}

/**
 * @template T
 * @param {Work<T>} work
 */
function flatend2020(work) {
  return within(async (folder, started) => {
    const program = await goGateway()
    const [port, mesh] = [await freePort(), await freePort()]
    const since = performance.now()
    const gateway = await gateway2020(program, { folder, port, mesh })
    started.push(gateway)
    const url = `http://127.0.0.1:${port}`
    const coldMs = await Promise.race([firstAnswer(`${url}/file.txt`, since), gateway.ended])
    const service = await launch('flatend 2020', PEER)
    started.push(service)
    await service.ask('listen', { kind: 'hello-2020', upstream: mesh })
    await answering(`${url}/hello`)
    return await work({ url, processes: [gateway, service], files: gateway, coldMs })
  })
}

/** @param {string} program */
const needs = (program) => (has(program) ? {} : { missing: `${program} is not installed` })

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} note
 * @property {string} [missing]
 * @property {<T>(work: Work<T>) => Promise<T>} run
 */

/** @type {readonly Peer[]} */
export const PEERS = [
  { name: 'nginx', note: 'one worker, node:http behind it', ...needs('nginx'), run: native(nginx) },
  { name: 'caddy', note: 'node:http behind it', ...needs('caddy'), run: native(caddy) },
  { name: 'fastify', note: '@fastify/http-proxy, node:http behind it', run: fastify },
  { name: 'moleculer-web', note: 'a service over TCP, in the clear', run: moleculerWeb },
  { name: 'flatend-2020', note: 'Go gateway, Node service', ...needs('go'), run: flatend2020 },
]
