import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { churn } from './churn-scenario.ts'
import { costs } from './costs.ts'
import { hotKey } from './hot-key-scenario.ts'
import { idle } from './idle-scenario.ts'
import { joining, mixedLegacy, partition } from './joined-scenarios.ts'
import { drawPlot } from './plot.ts'
import { adversaries, dead, outage, preset } from './preset-scenarios.ts'
import { tableOf, withBlock } from './report.ts'
import type { Report } from './scenario.ts'

const USAGE = `usage: npm run sim -- [scenario] [options]

scenarios, one of
  (none)                     nodes join through one, with all of discovery
  --preset                   tables as a converged network has them
  --dead <share>             preset, with so many dead and nobody repairing
  --outage                   preset, half of all nodes dead at once
  --adversaries <share>      preset, with so many that name each other alone
  --partition                nodes that joined, in two halves for ten minutes
  --hot-key                  preset, one service that all look up
  --mixed-legacy             nodes that joined, a fifth of which speak v1 alone
  --idle                     what a node costs that is left alone; over 100 preset
  --costs                    the same of five sizes from 10 to 100,000; --write: docs/discovery.md
  --churn                    half of the nodes leave within two hours

options
  --nodes <n>     1,000 for those that join, 10,000 otherwise
  --lookups <n>   lookups measured, 1,000 (joined: 300)
  --seed <n>      1
  --paths <d>     disjoint paths of a lookup, with --adversaries, 1
  --loss <share>  of messages, each sent again after 300 ms, with --preset
  --hours <h>     virtual, with --churn, 24
  --write         writes the table and a plot into docs/
`

const { values } = parseArgs({
  options: {
    preset: { type: 'boolean' },
    outage: { type: 'boolean' },
    partition: { type: 'boolean' },
    churn: { type: 'boolean' },
    'hot-key': { type: 'boolean' },
    idle: { type: 'boolean' },
    costs: { type: 'boolean' },
    'mixed-legacy': { type: 'boolean' },
    dead: { type: 'string' },
    adversaries: { type: 'string' },
    nodes: { type: 'string' },
    lookups: { type: 'string' },
    seed: { type: 'string', default: '1' },
    paths: { type: 'string', default: '1' },
    loss: { type: 'string', default: '0' },
    hours: { type: 'string', default: '24' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

const isJoined = !(
  values.preset ||
  values['hot-key'] ||
  values.outage ||
  values.churn ||
  values.dead ||
  values.adversaries
)
const options = {
  nodes: number(values.nodes ?? (isJoined ? '1000' : '10000')),
  lookups: number(values.lookups ?? (isJoined ? '300' : '1000')),
  seed: number(values.seed),
}

function number(text: string): number {
  const value = Number(text)
  if (!(value >= 0)) fail(`${text} is not a number from 0 on`)
  return value
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n\n${USAGE}`)
  process.exit(2)
}

function run(): Promise<Report> {
  if (values['hot-key']) return hotKey(options)
  if (values.dead) return dead({ ...options, dead: number(values.dead) })
  if (values.outage) return outage(options)
  if (values.churn) return churn({ ...options, hours: number(values.hours) })
  if (values.idle) return idle(options)
  if (values['mixed-legacy']) return mixedLegacy(options)
  if (values.partition) return partition(options)
  if (values.preset) return preset({ ...options, loss: number(values.loss) })
  if (!values.adversaries) return joining(options)
  const share = number(values.adversaries)
  return adversaries({ ...options, adversaries: share, paths: number(values.paths) })
}

function write(report: Report): void {
  const words = process.argv.slice(2).filter((word) => word !== '--write')
  const name = `simulation-${words.join('').replaceAll(/[^a-z0-9]+/g, '-')}`.replace(/-+$/, '')
  const docs = fileURLToPath(new URL('../../../docs/', import.meta.url))
  const page = `${docs}discovery-simulation.md`
  const command = ['npm run sim --', ...words].join(' ').replace(/ --$/, '')
  const block = `\`${command}\`, seed ${options.seed}, hash \`${report.hash}\`\n\n![${report.title}](${name}.svg)`
  writeFileSync(`${docs}${name}.svg`, drawPlot(report.title, report.plot))
  const text = `### ${report.title}\n\n${block}\n\n${tableOf(report)}`
  writeFileSync(page, withBlock(readFileSync(page, 'utf8'), name, text))
}

async function printCosts(): Promise<void> {
  const table = await costs(options.seed, (line) => process.stdout.write(`${line}\n`))
  process.stdout.write(`\n${table}`)
  if (!values.write) return
  const page = fileURLToPath(new URL('../../../docs/discovery.md', import.meta.url))
  writeFileSync(page, withBlock(readFileSync(page, 'utf8'), 'costs', table))
}

if (values.help) {
  process.stdout.write(USAGE)
} else if (values.costs) {
  await printCosts()
} else {
  const start = performance.now()
  const report = await run()
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  const megabytes = Math.round(process.memoryUsage().rss / 1e6)
  process.stdout.write(`${report.title}\n\n${tableOf(report)}\n`)
  process.stdout.write(
    `seed ${options.seed}, hash ${report.hash} over ${report.events} events; ${seconds} s, ${megabytes} MB\n`,
  )
  if (values.write) write(report)
}
