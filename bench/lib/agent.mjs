// Preloaded (`node --import`) into every measured process, so that it can be asked for its CPU time
// and memory whatever program it runs. Programs of the harness add commands of their own.
import { memoryUsage } from 'node:process'
import { describe } from './describe.mjs'
import { usageOf } from './proc.mjs'

/** How often memory is looked at while being watched, in milliseconds. */
const WATCH_INTERVAL = 20

/** @type {Map<string, (params: any) => unknown>} */
const commands = new Map()
let peak = 0
/** @type {NodeJS.Timeout | undefined} */
let watching

/**
 * Adds a command that the harness may send.
 * @param {string} name
 * @param {(params: any) => unknown} run - its result, awaited, is the answer
 */
export function handle(name, run) {
  commands.set(name, run)
}

/** Tells the harness that all commands are there, and stays until the harness ends this process. */
export function ready() {
  process.channel?.ref()
  process.send?.({ ready: true })
}

/** @type {number[]} */
const included = []

/**
 * Counts another process's CPU time and memory as this one's from now on.
 * @param {number} pid
 */
export function include(pid) {
  included.push(pid)
}

function resident() {
  return included.reduce((sum, pid) => sum + usageOf(pid).rss, memoryUsage.rss())
}

handle('usage', () => {
  const { user, system } = process.cpuUsage()
  const others = included.reduce((sum, pid) => sum + usageOf(pid).cpuUs, 0)
  return { cpuUs: user + system + others, rss: resident() }
})

handle('collect', () => {
  // Twice: what the first collection finalizes, the second frees.
  globalThis.gc?.()
  globalThis.gc?.()
})

handle('watch', () => {
  peak = resident()
  clearInterval(watching)
  watching = setInterval(() => {
    peak = Math.max(peak, resident())
  }, WATCH_INTERVAL)
  watching.unref()
})

handle('peak', () => {
  clearInterval(watching)
  return Math.max(peak, resident())
})

/** @param {{ id: number, name: string, params: unknown }} message */
async function answer({ id, name, params }) {
  try {
    const command = commands.get(name)
    if (!command) throw new Error(`no command ${name}`)
    process.send?.({ id, value: await command(params) })
  } catch (error) {
    process.send?.({ id, error: describe(error) })
  }
}

if (process.send) {
  process.on('message', (/** @type {any} */ message) => {
    if (typeof message?.id === 'number') void answer(message)
  })
  // Nothing outlives the harness.
  process.once('disconnect', () => process.exit())
  process.channel?.unref()
}
