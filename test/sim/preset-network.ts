import type { Contact } from '@flatend/kademlia'
import { Directory } from './directory.ts'
import { K } from './figures.ts'
import { lightDiscovery, tableAnswer } from './light-network.ts'
import { measureLookup, type Outcome } from './measure.ts'
import { fillTable } from './preset.ts'
import { below, type Random, randomId, seededRandom } from './random.ts'
import { type SimNode, World } from './world.ts'

/** Options of {@link PresetNetwork}. */
export interface PresetOptions {
  readonly nodes: number
  readonly seed: number
  readonly loss?: number
}

/** A converged network that nobody repairs; tables are filled when they are first used. */
export class PresetNetwork {
  readonly world: World
  readonly directory: Directory<SimNode>
  /** Chance of the scenario, apart from that of the world. */
  readonly random: Random
  #adversaries: Directory<SimNode> | undefined

  constructor({ nodes, seed, loss = 0 }: PresetOptions) {
    this.random = seededRandom(seed + 1)
    this.world = new World({
      seed,
      loss,
      discover: (node, world) => {
        const answer = this.#answer.bind(this)
        const discovery = lightDiscovery(node, world, { answer })
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

  /** Lookups of random targets from random nodes, a few at a time. */
  async lookups(count: number, paths = 1): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    let started = 0
    const next = async (): Promise<void> => {
      while (started < count) {
        started++
        outcomes.push(await this.lookup(this.source(), paths))
      }
    }
    let over = false
    const all = Promise.all(Array.from({ length: 8 }, next)).then(() => {
      over = true
      return undefined
    })
    await this.world.run(() => over)
    await all
    return outcomes
  }

  lookup(from: SimNode, paths = 1): Promise<Outcome> {
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
