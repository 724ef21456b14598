import { ConnectedNetwork } from './connected-network.ts'
import { Directory } from './directory.ts'
import { costFigures, K, mean, share } from './figures.ts'
import { manyLookups, measureLookup, type Outcome } from './measure.ts'
import { below, randomId, seededRandom } from './random.ts'
import type { Report, ScenarioOptions } from './scenario.ts'
import { type SimNode, World } from './world.ts'

const MINUTE = 60_000
/** One joins after the other, in virtual milliseconds. */
const APART = 20
/** Until the searches of the fifth minute are over. */
const SETTLED = 6.5 * MINUTE
/** How long a partition lasts: longer than nodes that are no seeds are dialed in vain. */
const PARTITION = 10 * MINUTE

/** Everybody joins through the first, with all that the package's discovery does. */
export async function joining(options: ScenarioOptions): Promise<Report> {
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

/** Nodes that joined, over connections. */
class JoinedMesh {
  readonly world: World
  readonly #network = new ConnectedNetwork()
  readonly #directory: Directory<SimNode>
  readonly #random: () => number

  constructor({ nodes, seed }: ScenarioOptions) {
    this.#random = seededRandom(seed + 1)
    this.world = new World({
      seed,
      discover: (node, world) => {
        const first = world.nodes[0] as SimNode
        const { host, port } = first.contact.address
        const seeds = node === first ? [] : [`${host}:${port}`]
        return this.#network.discovery(node, world, { seeds })
      },
    })
    for (let i = 0; i < nodes; i++) this.world.add()
    this.#directory = new Directory(this.world.nodes)
  }

  async join(): Promise<void> {
    for (const node of this.world.nodes) node.alive = false
    for (const node of this.world.nodes) {
      node.alive = true
      node.discovery.start()
      await this.world.pass(APART)
    }
    await this.world.pass(SETTLED)
  }

  split(): void {
    for (const node of this.world.nodes) node.part = node.index % 2
    this.#network.cutAll((a, b) => a.part !== b.part)
  }

  heal(): void {
    for (const node of this.world.nodes) node.part = 0
  }

  lookups(count: number): Promise<Outcome[]> {
    const { nodes } = this.world
    return manyLookups(this.world, count, () => {
      let from = nodes[below(this.#random, nodes.length)] as SimNode
      while (from.measure) from = nodes[below(this.#random, nodes.length)] as SimNode
      const target = randomId(this.#random)
      const holders = this.#directory.nearest(
        target,
        K,
        (node) => node !== from && node.part === from.part,
      )
      return measureLookup(this.world, { from, target, holders })
    })
  }

  /** Share of nodes whose tables hold at least 15 of the 16 nearest there are. */
  knowing(): number {
    const knows = (node: SimNode): boolean => {
      const others = this.#directory.nearest(node.key, K, (other) => other !== node)
      const { table } = node.discovery
      return others.filter(({ key }) => table.has(key)).length >= Math.min(K, others.length) - 1
    }
    return this.world.nodes.filter(knows).length / this.world.nodes.length
  }

  sizes(): { readonly name: string; readonly value: number }[] {
    const { nodes } = this.world
    const average = (of: (node: SimNode) => number): number => Math.round(mean(nodes.map(of)))
    return [
      { name: 'contacts of a node, mean', value: average((node) => node.discovery.table.size) },
      { name: 'connections of a node, mean', value: average((n) => this.#network.connections(n)) },
    ]
  }

  report(
    title: string,
    [outcomes, figures]: readonly [readonly Outcome[], Report['figures']],
  ): Report {
    const values = outcomes.map(({ messages }) => messages)
    const { trace } = this.world
    const plot = { label: 'messages a lookup', values }
    return { title, figures, hash: trace.digest(), events: trace.count, plot }
  }
}
