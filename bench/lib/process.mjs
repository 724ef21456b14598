// A measured process: started with the agent, asked over IPC, ended by the harness.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** @import { Usage } from './types.d.ts' */

const AGENT = new URL('agent.mjs', import.meta.url).href
/** How long a process may take to begin, and to end once told, in milliseconds. */
const START_TIMEOUT = 20_000
const STOP_TIMEOUT = 5_000
/** How long anything asked of a process may take: a system that hangs must not stop the others. */
const ASK_TIMEOUT = 90_000
/** How much of what a process last printed is kept for the reason of its death, in characters. */
const TAIL = 2_000

export class Process {
  /** @type {import('node:child_process').ChildProcess} */
  #child
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map()
  #next = 1
  #tail = ''
  #gone = false
  /** @type {((reason: Error) => void) | undefined} */
  #onEnd

  /**
   * @param {string} label - for people
   * @param {import('node:child_process').ChildProcess} child
   */
  constructor(label, child) {
    this.label = label
    this.#child = child
    const keep = (/** @type {Buffer} */ text) => {
      this.#tail = (this.#tail + text.toString()).slice(-TAIL)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('message', (message) => this.#receive(message))
    child.once('exit', (code, signal) => this.#finish(`exit ${code ?? signal}`))
    child.once('error', (error) => this.#finish(error.message))
    /**
     * Rejects when the process ends.
     * @type {Promise<never>}
     */
    this.ended = new Promise((_, reject) => {
      this.#onEnd = reject
    })
    this.ended.catch(() => undefined)
  }

  /**
   * @template T
   * @param {string} name - a command of the agent or of the program
   * @param {unknown} [params]
   * @returns {Promise<T>}
   */
  ask(name, params) {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(new Error(this.#reason('is gone')))
        return
      }
      const id = this.#next++
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(this.#reason(`"${name}" took longer than ${ASK_TIMEOUT / 1_000} s`)))
      }, ASK_TIMEOUT)
      this.#waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#child.send({ id, name, params }, (error) => {
        if (error) this.#finish(error.message)
      })
    })
  }

  /** @returns {Promise<Usage>} */
  usage() {
    return this.ask('usage')
  }

  /** Ends it: politely, then not. */
  async stop() {
    if (this.#gone) return
    const ended = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT)
    if (this.#child.connected) this.#child.disconnect()
    await ended
    clearTimeout(timer)
  }

  /** Resolves once the program says that it is ready. */
  ready() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(this.#reason('did not begin'))),
        START_TIMEOUT,
      )
      this.#waiting.set(0, {
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }

  /** @param {any} message */
  #receive(message) {
    const id = message?.ready ? 0 : message?.id
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    if (message.error === undefined) waiting.resolve(message.value)
    else waiting.reject(new Error(message.error))
  }

  /** @param {string} what */
  #finish(what) {
    this.#gone = true
    const error = new Error(this.#reason(what))
    this.#onEnd?.(error)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  /** @param {string} what */
  #reason(what) {
    const said = this.#tail.split('\n').findLast((line) => /error|cannot|failed/i.test(line))
    return `${this.label}: ${what}${said ? ` (${said.trim()})` : ''}`
  }
}

/**
 * Starts a Node program.
 * @param {string} label
 * @param {URL} file
 * @param {{ args?: readonly string[], waits?: boolean }} [options] - `waits`: it calls `ready()`
 */
export async function launch(label, file, { args = [], waits = true } = {}) {
  const child = fork(fileURLToPath(file), args, {
    execArgv: ['--import', AGENT, '--expose-gc', '--no-warnings'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const started = new Process(label, child)
  if (waits) await started.ready()
  return started
}

/**
 * Runs `work` and returns what it gave beside the CPU time that `processes` spent meanwhile.
 * Begins and ends with nothing in flight, so that no call is counted on one side alone.
 * @template T
 * @param {readonly Process[]} processes
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, cpuUs: number }>}
 */
export async function measured(processes, work) {
  const before = await Promise.all(processes.map((one) => one.usage()))
  const result = await work()
  const after = await Promise.all(processes.map((one) => one.usage()))
  const cpuUs = after.reduce((sum, { cpuUs: end }, i) => sum + end - (before[i]?.cpuUs ?? 0), 0)
  return { result, cpuUs }
}
