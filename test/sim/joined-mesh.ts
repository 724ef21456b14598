import type { Discovery } from '@flatend/kademlia'
import { ConnectedNetwork } from './connected-network.ts'
import { Directory } from './directory.ts'
import { K, mean } from './figures.ts'
import { LegacyNode } from './legacy-node.ts'
import { manyLookups, measureLookup, type Outcome } from './measure.ts'
import { below, randomId, seededRandom } from './random.ts'
import type { Report, ScenarioOptions } from './scenario.ts'
import { type SimNode, World } from './world.ts'

const MINUTE = 60_000
/** One joins after the other, in virtual milliseconds. */
const APART = 20
/** Until the searches of the fifth minute are over. */
export const SETTLED: number = 6.5 * MINUTE

/** Options of {@link JoinedMesh}. */
export interface JoinedOptions extends ScenarioOptions {
  /** Share of the nodes that are of 2020; the first, through which all join, is not. @default 0 */
  readonly legacy?: number
  /** Without records nodes close no connection for being idle, which takes half the time. @default true */
  readonly records?: boolean
}

/** Nodes that joined, over connections. */
export class JoinedMesh {
  readonly world: World
  readonly network: ConnectedNetwork = new ConnectedNetwork()
  /** All nodes that speak v2. */
  readonly directory: Directory<SimNode>
  readonly legacy: readonly LegacyNode[]
  readonly #random: () => number
  readonly #legacy = new Map<SimNode, LegacyNode>()

  constructor({ nodes, seed, legacy = 0, records = true }: JoinedOptions) {
    this.network.records = records
    this.#random = seededRandom(seed + 1)
    this.world = new World({ seed, discover: (node, world) => this.#discover(node, world) })
    for (let i = 0; i < nodes; i++) {
      const node = this.world.add()
      node.version = i > 0 && this.#random() < legacy ? 1 : 2
    }
    this.directory = new Directory(this.modern)
    const old = this.world.nodes.filter(({ version }) => version === 1)
    this.legacy = old.map((node) => {
      const one = new LegacyNode({ node, network: this.network, world: this.world })
      this.#legacy.set(node, one)
      return one
    })
  }

  /** The nodes that speak v2. */
  get modern(): readonly SimNode[] {
    return this.world.nodes.filter(({ version }) => version === 2)
  }

  #discover(node: SimNode, world: World): Discovery {
    const legacy = this.#legacy.get(node)
    if (legacy) return legacy
    const { host, port } = (world.nodes[0] as SimNode).contact.address
    const seeds = node.index === 0 ? [] : [`${host}:${port}`]
    return this.network.discovery(node, world, { seeds })
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
    this.network.cutAll((a, b) => a.part !== b.part)
  }

  heal(): void {
    for (const node of this.world.nodes) node.part = 0
  }

  lookups(count: number): Promise<Outcome[]> {
    const nodes = this.modern
    return manyLookups(this.world, count, () => {
      let from = nodes[below(this.#random, nodes.length)] as SimNode
      while (from.measure) from = nodes[below(this.#random, nodes.length)] as SimNode
      const target = randomId(this.#random)
      const holders = this.directory.nearest(
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
      const others = this.directory.nearest(node.key, K, (other) => other !== node)
      const { table } = node.discovery
      return others.filter(({ key }) => table.has(key)).length >= Math.min(K, others.length) - 1
    }
    return this.modern.filter(knows).length / this.modern.length
  }

  sizes(): { readonly name: string; readonly value: number }[] {
    const nodes = this.modern
    const average = (of: (node: SimNode) => number): number => Math.round(mean(nodes.map(of)))
    return [
      { name: 'contacts of a node, mean', value: average((node) => node.discovery.table.size) },
      { name: 'connections of a node, mean', value: average((n) => this.network.connections(n)) },
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
