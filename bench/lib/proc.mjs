// CPU time and memory of a process that is no Node program, as Linux tells them (proc(5)).
import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc: 100 on every Linux that Node runs on. */
const TICK_US = 10_000
const PAGE = 4_096

/**
 * @param {number} pid
 * @returns {import('./types.d.ts').Usage} to 10 ms; throws where there is no /proc or no such process
 */
export function usageOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field, in parentheses, may contain anything; the third begins behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const at = (/** @type {number} */ field) => Number(fields[field - 3])
  return { cpuUs: (at(14) + at(15)) * TICK_US, rss: at(24) * PAGE }
}
