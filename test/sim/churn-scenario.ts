import type { Discovery } from '@flatend/kademlia'
import { Directory } from './directory.ts'
import { costFigures, K, mean, share } from './figures.ts'
import { lightDiscovery } from './light-network.ts'
import { manyLookups, measureLookup, type Outcome } from './measure.ts'
import { fillTable } from './preset.ts'
import { below, type Random, randomId, seededRandom } from './random.ts'
import type { Report, ScenarioOptions } from './scenario.ts'
import { type SimNode, World } from './world.ts'

const HOUR = 3_600_000
/** Half leave within so long (discovery §6). */
const HALF_LIFE = 2 * HOUR

/** Nodes leave without a word and others come, while each keeps its table as the package does. */
export async function churn(
  options: ScenarioOptions & { readonly hours: number },
): Promise<Report> {
  const net = new ChurningNetwork(options)
  await net.world.pass(options.hours * HOUR)
  const state = net.state()
  const outcomes = await net.lookups(options.lookups)
  const { trace } = net.world
  return {
    title: `${options.nodes} nodes, half of which leave within 2 h, after ${options.hours} h`,
    figures: [
      share('know 15 of their 16 nearest', state.knowing, 0.99),
      { ...share('entries that are gone', state.stale, 0.05), better: 'low' },
      share('holders found', mean(outcomes.map(({ recall }) => recall)), 0.95),
      ...costFigures(outcomes, 0),
      { name: 'contacts of a node, mean', value: Math.round(state.contacts) },
      { name: 'messages a node sends in a minute', value: net.rate(options.hours) },
    ],
    hash: trace.digest(),
    events: trace.count,
    plot: { label: 'messages a lookup', values: outcomes.map(({ messages }) => messages) },
  }
}

class ChurningNetwork {
  readonly world: World
  readonly #random: Random
  readonly #alive: SimNode[] = []
  /** The nodes of the beginning; who comes later knows one node alone. */
  readonly #converged: Directory<SimNode>
  #questions = 0

  constructor({ nodes, seed }: ScenarioOptions) {
    this.#random = seededRandom(seed + 1)
    this.world = new World({ seed, discover: (node, world) => this.#discover(node, world, seed) })
    for (let i = 0; i < nodes; i++) this.#alive.push(this.world.add())
    this.#converged = new Directory(this.#alive)
    for (const [place, node] of this.#alive.entries()) {
      node.discovery.start()
      this.#live(place)
    }
  }

  rate(hours: number): number {
    return Math.round(this.#questions / this.#alive.length / (hours * 60))
  }

  state(): { readonly knowing: number; readonly stale: number; readonly contacts: number } {
    const directory = new Directory(this.#alive)
    let knowing = 0
    let stale = 0
    let contacts = 0
    for (const node of this.#alive) {
      const { table } = node.discovery
      const nearest = directory.nearest(node.key, K, (other) => other !== node)
      if (nearest.filter(({ key }) => table.has(key)).length >= K - 1) knowing++
      contacts += table.size
      for (const { address } of table.contacts()) if (!this.world.at(address.host)?.alive) stale++
    }
    const { length } = this.#alive
    return { knowing: knowing / length, stale: stale / contacts, contacts: contacts / length }
  }

  lookups(count: number): Promise<Outcome[]> {
    const directory = new Directory(this.#alive)
    return manyLookups(this.world, count, () => {
      let from = this.#someone()
      while (from.measure) from = this.#someone()
      // Its own upkeep would count as questions of the lookup.
      from.discovery.stop()
      const target = randomId(this.#random)
      const holders = directory.nearest(target, K, (node) => node !== from)
      return measureLookup(this.world, { from, target, holders })
    })
  }

  #someone(): SimNode {
    return this.#alive[below(this.#random, this.#alive.length)] as SimNode
  }

  #discover(node: SimNode, world: World, seed: number): Discovery {
    const asked = (one: SimNode, by: SimNode): void => this.#asked(one, by)
    const discovery = lightDiscovery(node, world, { learns: true, asked })
    if (node.index < this.#alive.length && world.clock.now() === 0) {
      fillTable(discovery.table, { node, directory: this.#converged, seed })
    }
    return discovery
  }

  /** Whoever comes to a node is dialed back, as membership does, and known if it is reached. */
  #asked(node: SimNode, by: SimNode): void {
    const { world } = this
    this.#questions++
    if (node.discovery.table.has(by.key)) return
    const roundTrip = world.latency(node, by) + world.latency(by, node)
    world.clock.schedule(roundTrip, () => {
      if (world.reaches(node, by)) node.discovery.table.seen(by.contact)
    })
  }

  /** Lives as long as chance has it, then leaves its place to another. */
  #live(place: number): void {
    const life = (-Math.log(1 - this.#random()) * HALF_LIFE) / Math.LN2
    this.world.clock.schedule(life, () => {
      const gone = this.#alive[place] as SimNode
      if (gone.measure) {
        this.#live(place)
        return
      }
      gone.end()
      const node = this.world.add()
      this.#alive[place] = node
      let first = this.#someone()
      while (first === node) first = this.#someone()
      node.discovery.table.seen(first.contact)
      node.discovery.start()
      this.#live(place)
    })
  }
}
