// Two processes of one system: the answering and the calling side.
import { launch, measured } from './process.mjs'

/** @import { Target } from './types.d.ts' */

const WORKER = new URL('worker.mjs', import.meta.url)

/**
 * Starts both sides of a system, lets `work` measure, ends both.
 * @template T
 * @param {string} system - name of its file in systems/
 * @param {(pair: Pair) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withPair(system, work) {
  const server = await launch(`${system} server`, WORKER, { args: [system] })
  try {
    const client = await launch(`${system} client`, WORKER, { args: [system] })
    try {
      /** @type {Target} */
      const target = await server.ask('serve')
      return await work(new Pair(server, client, target))
    } finally {
      await client.stop()
    }
  } finally {
    await server.stop()
  }
}

export class Pair {
  /**
   * @param {import('./process.mjs').Process} server
   * @param {import('./process.mjs').Process} client
   * @param {Target} target
   */
  constructor(server, client, target) {
    this.server = server
    this.client = client
    this.target = target
  }

  connect() {
    return this.client.ask('connect', this.target)
  }

  /**
   * Runs a command on the calling side beside the CPU time of both.
   * @template T
   * @param {string} name
   * @param {unknown} params
   * @returns {Promise<{ result: T, cpuUs: number }>}
   */
  measure(name, params) {
    return this.during(() => this.client.ask(name, params))
  }

  /**
   * The CPU time of both sides while something happens.
   * @template T
   * @param {() => Promise<T>} work
   */
  during(work) {
    return measured([this.server, this.client], work)
  }
}
