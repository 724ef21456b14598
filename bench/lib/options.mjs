import { parseArgs } from 'node:util'
import { describe } from './describe.mjs'

/** @import { Options } from './types.d.ts' */

const USAGE = `npm run bench [-- SUITE … [options]]

  SUITE             %s (all, unless named)
  --quick           short windows and small amounts: a smoke test, not figures
  --rounds N        rounds, each measuring every system once (5, quick 3)
  --systems A,B     these systems only
  --json FILE       where the results go besides bench/results/
  --help
`

/**
 * Reads the command line; where nothing is to be run, says why, or helps.
 * @param {readonly string[]} args
 * @param {readonly string[]} suites - that there are
 * @returns {Options | undefined}
 */
export function readOptions(args, suites) {
  const usage = USAGE.replace('%s', suites.join(', '))
  try {
    const options = parse(args, suites)
    if (options === undefined) process.stdout.write(usage)
    return options
  } catch (error) {
    process.stderr.write(`${describe(error)}\n\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

/**
 * @param {readonly string[]} args
 * @param {readonly string[]} suites
 * @returns {Options | undefined} undefined where only help is wanted
 */
function parse(args, suites) {
  const { values, positionals } = parseArgs({
    // npm takes one `--` away; who types a second means nothing by it.
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      systems: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const unknown = positionals.find((name) => !suites.includes(name))
  if (unknown !== undefined) throw new Error(`there is no suite "${unknown}"`)
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1')
  return {
    suites: positionals.length > 0 ? positionals : suites,
    quick: values.quick,
    rounds,
    systems: values.systems?.split(','),
    json: values.json,
  }
}
