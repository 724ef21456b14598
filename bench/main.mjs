// `npm run bench`: runs the suites, prints the tables, writes the figures.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { readOptions } from './lib/options.mjs'
import { renderCase } from './lib/report.mjs'
import { calls } from './suites/calls.mjs'
import { connect } from './suites/connect.mjs'
import { stream } from './suites/stream.mjs'

/** @import { Case } from './lib/types.d.ts' */

const SUITES = [calls, stream, connect]

const options = readOptions(
  process.argv.slice(2),
  SUITES.map(({ name }) => name),
)
const print = (/** @type {string} */ text) => process.stdout.write(`${text}\n`)
const machine = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
}

print(
  `Node ${machine.node}, ${machine.platform}, ${machine.cores} × ${machine.cpu}\n` +
    `Medians of ${options.rounds} interleaved rounds${options.quick ? ', quick: a smoke test, not figures' : ''}. ` +
    'CPU time is that of all processes but the load generator. How to read this: bench/README.md\n',
)

/** @type {Case[]} */
const cases = []
for (const suite of SUITES) {
  if (!options.suites.includes(suite.name)) continue
  for (const one of await suite.run(options)) {
    cases.push(one)
    print(renderCase(one))
  }
}

const results = new URL('results/', import.meta.url)
mkdirSync(results, { recursive: true })
const now = new Date().toISOString()
const text = `${JSON.stringify({ date: now, ...machine, ...options, json: undefined, cases }, undefined, 2)}\n`
const name = `${now.replaceAll(/[:.]/g, '-')}.json`
writeFileSync(new URL(name, results), text)
print(`bench/results/${name}`)
if (options.json !== undefined) writeFileSync(options.json, text)
