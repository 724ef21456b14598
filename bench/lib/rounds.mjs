// Interleaved rounds: A B C A B C …, so that whatever the machine does meanwhile meets all alike.
import { fileURLToPath } from 'node:url'
import { describe } from './describe.mjs'
import { medians } from './stats.mjs'

/** @import { Case, Column, Goal, Metrics, Options } from './types.d.ts' */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * What is measured of one system in one round: metrics by the case's key, its title unless it has one.
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string | undefined} [note] - what a reader must know about its figures
 * @property {string} [missing] - why it cannot take part
 * @property {(round: number) => Promise<Readonly<Record<string, Metrics>>>} measure
 *
 * @typedef {object} Contest
 * @property {string} suite
 * @property {readonly { title: string, key?: string, goals: readonly Goal[], columns: readonly Column[] }[]} cases
 * @property {readonly Contestant[]} contestants
 */

/**
 * Runs all rounds. A system that fails is left out from then on and its row says why.
 * @param {Contest} contest
 * @param {Options} options
 * @returns {Promise<Case[]>}
 */
export async function runRounds({ suite, cases, contestants }, { rounds, systems }) {
  const chosen = contestants.filter(({ name }) => systems?.includes(name) ?? true)
  /** @type {Map<string, string>} */
  const skipped = new Map()
  for (const { name, missing } of chosen) if (missing !== undefined) skipped.set(name, missing)
  /** @type {Map<string, Metrics[]>} */
  const samples = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const { name, measure } of chosen) {
      if (skipped.has(name)) continue
      progress(`${suite}: round ${round + 1} of ${rounds}, ${name}`)
      try {
        for (const [key, metrics] of Object.entries(await measure(round))) {
          const id = `${key}\0${name}`
          samples.set(id, [...(samples.get(id) ?? []), metrics])
        }
      } catch (error) {
        // Results are passed around: they say nothing of where they were made.
        skipped.set(name, describe(error).replaceAll(ROOT, ''))
      }
    }
  }
  progress('')
  return cases.map(({ title, key = title, goals, columns }) => ({
    suite,
    title,
    columns,
    goals,
    rows: chosen.map(({ name, note }) => {
      const own = samples.get(`${key}\0${name}`) ?? []
      return { system: name, samples: own, medians: medians(own), skipped: skipped.get(name), note }
    }),
  }))
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}
