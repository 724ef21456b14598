import type { Contact } from '@flatend/kademlia'
import { Directory } from './directory.ts'
import { K } from './figures.ts'
import { lightDiscovery, tableAnswer } from './light-network.ts'
import { manyLookups, measureLookup, type Outcome } from './measure.ts'
import { fillTable } from './preset.ts'
import { below, type Random, randomId, seededRandom } from './random.ts'
import { type SimNode, World } from './world.ts'

/** Options of {@link PresetNetwork}. */
export interface PresetOptions {
  readonly nodes: number
  readonly seed: number
  readonly loss?: number
  /** Whom a node reaches it keeps in its table. @default false */
  readonly learns?: boolean
}

/** Options of lookups. */
export interface LookupsOptions {
  /** Disjoint paths of each. @default 1 */
  readonly paths?: number
  /** Who looks up, in turn. @default random nodes */
  readonly from?: readonly SimNode[]
}

/** A converged network that nobody repairs; tables are filled when they are first used. */
export class PresetNetwork {
  readonly world: World
  readonly directory: Directory<SimNode>
  /** Chance of the scenario, apart from that of the world. */
  readonly random: Random
  #adversaries: Directory<SimNode> | undefined

  constructor({ nodes, seed, loss = 0, learns = false }: PresetOptions) {
    this.random = seededRandom(seed + 1)
    this.world = new World({
      seed,
      loss,
      discover: (node, world) => {
        const answer = this.#answer.bind(this)
        const discovery = lightDiscovery(node, world, { answer, learns })
        fillTable(discovery.table, { node, directory: this.directory, seed })
        return discovery
      },
    })
    for (let i = 0; i < nodes; i++) this.world.add()
    this.directory = new Directory(this.world.nodes)
  }

  /** Chooses some nodes, each with the same chance. */
  some(share: number): SimNode[] {
    return this.world.nodes.filter(() => this.random() < share)
  }

  /** A node that is alive and honest. */
  source(): SimNode {
    const { nodes } = this.world
    for (;;) {
      const node = nodes[below(this.random, nodes.length)] as SimNode
      if (node.alive && !node.adversary && node.measure === undefined) return node
    }
  }

  /** Lookups of random targets from random nodes, eight at a time. */
  lookups(count: number, { paths = 1, from }: LookupsOptions = {}): Promise<Outcome[]> {
    return manyLookups(this.world, count, (i) =>
      this.#lookup(from ? (from[i % from.length] as SimNode) : this.source(), paths),
    )
  }

  #lookup(from: SimNode, paths: number): Promise<Outcome> {
    const target = randomId(this.random)
    const holders = this.directory.nearest(target, K, (node) => isHolder(node) && node !== from)
    return measureLookup(this.world, { from, target, holders, paths })
  }

  /** Adversaries name each other, the nearest first. */
  #answer(node: SimNode, target: Uint8Array, want: number): readonly Contact[] {
    if (!node.adversary) return tableAnswer(node, target, want)
    this.#adversaries ??= new Directory(this.world.nodes.filter(({ adversary }) => adversary))
    return this.#adversaries.nearest(target, want).map(({ contact }) => contact)
  }
}

function isHolder({ alive, adversary }: SimNode): boolean {
  return alive && !adversary
}
