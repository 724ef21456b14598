// A measured program that is no Node program: its CPU time and that of its children, as Linux tells.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { usageOf } from './proc.mjs'

/** @import { Usage } from './types.d.ts' */

const STOP_TIMEOUT = 5_000
/** Debian has servers where only root looks. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`
const TAIL = 2_000

/**
 * Whether a program can be run here.
 * @param {string} program
 */
export function has(program) {
  return spawnSync(program, ['-v'], { env: { ...process.env, PATH } }).error === undefined
}

/** @param {number} pid */
function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
  return text.split(' ').filter(Boolean).map(Number)
}

export class Native {
  #child
  #tail = ''

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
    /**
     * Rejects when the program ends.
     * @type {Promise<never>}
     */
    this.ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${label}: exit ${code} (${this.#tail.trim().split('\n').at(-1)})`)
    })
    this.ended.catch(() => undefined)
  }

  /** @returns {Promise<Usage>} */
  async usage() {
    const pid = this.#child.pid ?? 0
    const all = [pid, ...childrenOf(pid)].map(usageOf)
    return {
      cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
      rss: all.reduce((sum, { rss }) => sum + rss, 0),
    }
  }

  /** Ends it: politely, then not. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT)
    this.#child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }
}

/**
 * Starts a program in a folder, which is its home too.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} folder
 */
export function launchNative(program, args, folder) {
  const env = { ...process.env, PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  return new Native(program, child)
}
