// Preloaded (`node --import`) into every measured process, so that it can be asked for its CPU time
// and memory whatever program it runs. Programs of the harness add commands of their own.
import { memoryUsage } from 'node:process'
import { describe } from './describe.mjs'

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

handle('usage', () => {
  const { user, system } = process.cpuUsage()
  return { cpuUs: user + system, rss: memoryUsage.rss() }
})

handle('collect', () => {
  // Twice: what the first collection finalizes, the second frees.
  globalThis.gc?.()
  globalThis.gc?.()
})

handle('watch', () => {
  peak = memoryUsage.rss()
  clearInterval(watching)
  watching = setInterval(() => {
    peak = Math.max(peak, memoryUsage.rss())
  }, WATCH_INTERVAL)
  watching.unref()
})

handle('peak', () => {
  clearInterval(watching)
  return Math.max(peak, memoryUsage.rss())
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
