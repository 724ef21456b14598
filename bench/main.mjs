// `npm run bench`: runs the suites, prints the tables, writes the figures.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { readOptions } from './lib/options.mjs'
import { renderCase } from './lib/report.mjs'
import { calls } from './suites/calls.mjs'
import { connect } from './suites/connect.mjs'
import { http } from './suites/http.mjs'
import { lookup } from './suites/lookup.mjs'
import { memory } from './suites/memory.mjs'
import { stream } from './suites/stream.mjs'
import { table } from './suites/table.mjs'

/** @import { Case, Options } from './lib/types.d.ts' */

const SUITES = [calls, stream, connect, http, table, lookup, memory]
const RESULTS = new URL('results/', import.meta.url)

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`)
}

/** @param {Options} options */
async function main({ json, ...options }) {
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
  }
  print(`Node ${machine.node}, ${machine.platform}, ${machine.cores} × ${machine.cpu}`)
  print(`Medians of ${options.rounds} interleaved rounds. How to read this: bench/README.md`)
  if (options.quick) print('QUICK: a smoke test, not figures')
  print('')

  /** @type {Case[]} */
  const cases = []
  for (const suite of SUITES) {
    if (!options.suites.includes(suite.name)) continue
    for (const one of await suite.run({ json, ...options })) {
      // None of the systems asked for takes part.
      if (one.rows.length === 0) continue
      cases.push(one)
      print(renderCase(one))
    }
  }

  const date = new Date().toISOString()
  const text = `${JSON.stringify({ date, ...machine, ...options, cases }, undefined, 2)}\n`
  const name = `${date.replaceAll(/[:.]/g, '-')}.json`
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(new URL(name, RESULTS), text)
  print(`Results: bench/results/${name}`)
  if (json !== undefined) writeFileSync(json, text)
}

const options = readOptions(
  process.argv.slice(2),
  SUITES.map(({ name }) => name),
)
if (options !== undefined) await main(options)
