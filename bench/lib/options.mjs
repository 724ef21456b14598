import { parseArgs } from 'node:util'

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
 * @param {readonly string[]} args
 * @param {readonly string[]} suites - that there are
 * @returns {Options}
 */
export function readOptions(args, suites) {
  const usage = USAGE.replace('%s', suites.join(', '))
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        systems: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      process.exit(0)
    }
    const unknown = positionals.find((name) => !suites.includes(name))
    if (unknown !== undefined) throw new Error(`there is no suite "${unknown}"`)
    const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}`)
    return {
      suites: positionals.length > 0 ? positionals : suites,
      quick: values.quick,
      rounds,
      systems: values.systems?.split(','),
      json: values.json,
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(2)
  }
}
