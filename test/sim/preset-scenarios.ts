import { costFigures, type Figure, mean, percentile, share } from './figures.ts'
import type { Outcome } from './measure.ts'
import { PresetNetwork } from './preset-network.ts'
import type { Report, ScenarioOptions } from './scenario.ts'

/** A virtual minute, in milliseconds. */
const MINUTE = 60_000
/** Refreshed nodes that are watched after an outage. */
const REFRESHED = 40
/** Until every bucket was refreshed once: 15 min, and the rounds that it takes. */
const REFRESH_PASSES = 25 * MINUTE

/** Recall of the live nearest with so many dead and nobody repairing (discovery §6). */
const DEAD_RECALL: Readonly<Record<string, number>> = { '0.1': 0.98, '0.3': 0.91, '0.5': 0.87 }
/** Successes with 20 % adversaries over so many disjoint paths (discovery §6). */
const PATHS_SUCCESS: Readonly<Record<number, number>> = { 4: 0.97, 8: 0.99 }

/** A converged network: what lookups cost. */
export async function preset(
  options: ScenarioOptions & { readonly loss?: number },
): Promise<Report> {
  const network = new PresetNetwork(options)
  const outcomes = await network.lookups(options.lookups)
  return report(network, `${options.nodes} nodes, tables preset`, [
    outcomes,
    [...costFigures(outcomes, options.nodes), share('recall', mean(outcomes.map(recallOf)))],
  ])
}

/** Some nodes are dead, and nobody repairs a table. */
export async function dead(options: ScenarioOptions & { readonly dead: number }): Promise<Report> {
  const network = new PresetNetwork(options)
  for (const node of network.some(options.dead)) node.alive = false
  const outcomes = await network.lookups(options.lookups)
  const title = `${options.nodes} nodes, ${options.dead * 100} % dead, no repair`
  return report(network, title, [
    outcomes,
    [
      share(
        'recall of the live 16 nearest',
        mean(outcomes.map(recallOf)),
        DEAD_RECALL[options.dead],
      ),
      share(
        'first holder found',
        rate(outcomes, ({ toHolder }) => toHolder !== undefined),
        1,
      ),
      ...costFigures(outcomes, 0),
      ...times(outcomes),
    ],
  ])
}

/** Half of all nodes vanish at once; then those left refresh. */
export async function outage(options: ScenarioOptions): Promise<Report> {
  const network = new PresetNetwork({ ...options, learns: true })
  for (const node of network.some(0.5)) node.alive = false
  const outcomes = await network.lookups(options.lookups)
  const sources = Array.from({ length: REFRESHED }, () => network.source())
  for (const node of sources) node.discovery.start()
  await network.world.pass(REFRESH_PASSES)
  for (const node of sources) node.discovery.stop()
  const after = await network.lookups(REFRESHED * 2, { from: sources })
  return report(network, `${options.nodes} nodes, half of them dead at once`, [
    outcomes,
    [
      share('succeed within 60 s', rate(outcomes, inTime), 0.99),
      share('succeed within 60 s after one refresh', rate(after, inTime), 1),
      ...times(outcomes),
      { name: 'virtual ms after a refresh, p50', value: p(after, 50) },
    ],
  ])
}

/** Some nodes name each other alone, and lookups go over disjoint paths. */
export async function adversaries(
  options: ScenarioOptions & { readonly adversaries: number; readonly paths: number },
): Promise<Report> {
  const { paths } = options
  const network = new PresetNetwork(options)
  for (const node of network.some(options.adversaries)) node.adversary = true
  const outcomes = await network.lookups(options.lookups, { paths })
  const title = `${options.nodes} nodes, ${options.adversaries * 100} % adversaries, ${paths} paths`
  return report(network, title, [
    outcomes,
    [
      share('nearest honest node found', rate(outcomes, succeeded), PATHS_SUCCESS[paths]),
      share(
        'an honest holder found',
        rate(outcomes, ({ toHolder }) => toHolder !== undefined),
      ),
      share('honest 16 nearest found', mean(outcomes.map(recallOf))),
      ...costFigures(outcomes, 0).filter(({ name }) => name.startsWith('messages, ')),
    ],
  ])
}

function inTime(one: Outcome): boolean {
  return succeeded(one) && one.ms <= MINUTE
}

function recallOf({ recall }: Outcome): number {
  return recall
}

function succeeded({ foundNearest }: Outcome): boolean {
  return foundNearest
}

function rate(outcomes: readonly Outcome[], passes: (outcome: Outcome) => boolean): number {
  return outcomes.filter((outcome) => passes(outcome)).length / outcomes.length
}

function p(outcomes: readonly Outcome[], percent: number): number {
  return Math.round(
    percentile(
      outcomes.map(({ ms }) => ms),
      percent,
    ),
  )
}

function times(outcomes: readonly Outcome[]): Figure[] {
  return [50, 95, 99].map((percent) => ({
    name: `virtual ms, p${percent}`,
    value: p(outcomes, percent),
  }))
}

function report(
  { world }: PresetNetwork,
  title: string,
  [outcomes, figures]: readonly [readonly Outcome[], readonly Figure[]],
): Report {
  return {
    title,
    figures,
    hash: world.trace.digest(),
    events: world.trace.count,
    plot: { label: 'messages a lookup', values: outcomes.map(({ messages }) => messages) },
  }
}
