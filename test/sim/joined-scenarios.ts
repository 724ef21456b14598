import { costFigures, mean, share } from './figures.ts'
import { JoinedMesh, type JoinedOptions, SETTLED } from './joined-mesh.ts'
import { FIND_NODE } from './legacy-node.ts'
import type { Report, ScenarioOptions } from './scenario.ts'

/** How long a partition lasts: longer than nodes that are no seeds are dialed in vain. */
const PARTITION = 600_000
/** Share of nodes that speak v1 alone, where both are. */
const LEGACY = 0.2

/** Everybody joins through the first, with all that the package's discovery does. */
export async function joining(options: JoinedOptions): Promise<Report> {
  const mesh = new JoinedMesh(options)
  await mesh.join()
  const outcomes = await mesh.lookups(options.lookups)
  return mesh.report(`${options.nodes} nodes join through one`, [
    outcomes,
    [
      ...costFigures(outcomes, options.nodes),
      share('recall', mean(outcomes.map(({ recall }) => recall))),
      share('know 15 of their 16 nearest', mesh.knowing(), 0.99),
      ...mesh.sizes(),
    ],
  ])
}

/** A network falls apart into halves, and is one again. */
export async function partition(options: ScenarioOptions): Promise<Report> {
  const mesh = new JoinedMesh(options)
  await mesh.join()
  mesh.split()
  await mesh.world.pass(PARTITION)
  const apart = await mesh.lookups(options.lookups)
  mesh.heal()
  await mesh.world.pass(SETTLED)
  const outcomes = await mesh.lookups(options.lookups)
  return mesh.report(`${options.nodes} nodes, in two halves for ten minutes`, [
    outcomes,
    [
      share('recall within the halves', mean(apart.map(({ recall }) => recall))),
      share('recall once they are one again', mean(outcomes.map(({ recall }) => recall))),
      share('know 15 of their 16 nearest then', mesh.knowing()),
      ...costFigures(outcomes, 0),
      ...mesh.sizes(),
    ],
  ])
}

/** A fifth of the nodes are of 2020: they find nodes of ours, and ours go on as if they were not there. */
export async function mixedLegacy(options: ScenarioOptions): Promise<Report> {
  const mesh = new JoinedMesh({ ...options, legacy: LEGACY })
  let foreign = 0
  mesh.network.hears = ({ node, opcode }) => {
    if (node.version === 1 && opcode !== FIND_NODE) foreign++
    return true
  }
  await mesh.join()
  const outcomes = await mesh.lookups(options.lookups)
  const { legacy, modern } = mesh
  const told = modern.flatMap(({ discovery }) => discovery.table.contacts())
  const named = told.filter(({ address }) => mesh.world.at(address.host)?.version === 1)
  const asked = legacy.map((one) => one.asked)
  return mesh.report(`${options.nodes} nodes, ${legacy.length} of them of 2020`, [
    outcomes,
    [
      { name: 'messages to v1 nodes that these do not know', value: foreign, target: 0 },
      { name: 'v1 nodes in tables', value: named.length, target: 0 },
      share('v1 nodes that are done asking', mean(legacy.map(({ done }) => Number(done))), 1),
      { name: 'questions of a v1 node, mean', value: Math.round(mean(asked)) },
      {
        name: 'v2 nodes a v1 node found, mean',
        value: Math.round(mean(legacy.map((n) => n.known))),
      },
      share('recall', mean(outcomes.map(({ recall }) => recall)), 1),
      share('know 15 of their 16 nearest', mesh.knowing(), 0.99),
      ...costFigures(outcomes, modern.length),
      ...mesh.sizes(),
    ],
  ])
}
