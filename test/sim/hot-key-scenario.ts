import type { Discovery } from '@flatend/kademlia'
import { serviceKey } from '@flatend/kademlia'
import { ConnectedNetwork, type Heard, PASSIVE } from './connected-network.ts'
import { Directory } from './directory.ts'
import { type Figure, percentile, share } from './figures.ts'
import { fillTable } from './preset.ts'
import { sample, seededRandom } from './random.ts'
import { simRecords } from './records.ts'
import type { Report, ScenarioOptions } from './scenario.ts'
import { type SimNode, World } from './world.ts'

/** The service that everybody wants. */
const HOT = 'hot'
/** Opcodes of GET and PUT (discovery §3). */
const GET = 0x12
const PUT = 0x11
/** Its provider tells of itself within so long, in milliseconds. */
const PUBLISHED = 20_000
/** One lookup begins after another, in milliseconds: a hundred a second. */
const APART = 10
/** Copies lie for a minute: lookups of the first are not counted. */
const WARM_UP = 60_000
/** A lookup, and dialing the provider, takes so long at the most. */
const LONGEST = 30_000

/** What a key cost that many looked up. */
interface Heat {
  /** Lookups that asked a node, for each that was asked. */
  readonly asked: readonly number[]
  readonly lookups: number
  readonly found: number
  readonly world: World
}

/** Nodes of a converged network look up one service, each once, and leave copies on their ways. */
export async function hotKey(options: ScenarioOptions): Promise<Report> {
  const cold = await new HotNetwork(options, false).run(options.lookups)
  const heat = await new HotNetwork(options, true).run(options.lookups)
  const { trace } = heat.world
  return {
    title: `${options.nodes} nodes look up one service, 100 a second`,
    figures: [
      { ...share('lookups that asked the busiest node', busiest(heat), 0.06), better: 'low' },
      share('the same without copies on the way', busiest(cold)),
      share('lookups that found the provider', heat.found / heat.lookups, 1),
      { name: 'nodes asked by a lookup, mean', value: rounded(heat) },
      { name: 'the same without copies', value: rounded(cold) },
      ...spread(heat),
    ],
    hash: trace.digest(),
    events: trace.count,
    plot: {
      label: 'lookups that asked a node, in thousandths',
      of: 'nodes',
      values: thousandths(heat),
    },
  }
}

function busiest({ asked, lookups }: Heat): number {
  return Math.max(...asked) / lookups
}

function rounded({ asked, lookups }: Heat): number {
  return Math.round((asked.reduce((sum, one) => sum + one, 0) / lookups) * 10) / 10
}

function spread({ asked, lookups }: Heat): Figure[] {
  const value = Math.round((percentile(asked, 95) / lookups) * 1_000) / 10
  return [
    { name: 'nodes that were asked', value: asked.length },
    { name: 'lookups that asked one of these, p95', value, unit: '%' },
  ]
}

function thousandths({ asked, lookups }: Heat): number[] {
  return asked.map((one) => Math.round((one / lookups) * 1_000))
}

/** Tables are preset; connections, records and copies are the package's own. */
class HotNetwork {
  readonly world: World
  readonly #network = new ConnectedNetwork()
  readonly #random: () => number
  readonly #provider: SimNode
  readonly #asked = new Map<SimNode, number>()
  readonly #key: Uint8Array
  readonly #copies: boolean
  #measured = false
  #found = 0

  constructor({ nodes, seed }: ScenarioOptions, copies: boolean) {
    this.#random = seededRandom(seed + 1)
    this.#copies = copies
    this.world = new World({
      seed,
      discover: (node, world) => this.#discover({ node, world, directory, seed }),
    })
    for (let i = 0; i < nodes; i++) this.world.add()
    const directory = new Directory(this.world.nodes)
    const provider = this.world.nodes[0] as SimNode
    provider.services = [HOT]
    this.#provider = provider
    this.#key = serviceKey(HOT, simRecords(provider, this.world).hash)
    this.#network.hears = (heard) => {
      this.#count(heard)
      return copies || heard.opcode !== PUT || heard.from === provider
    }
  }

  async run(wanted: number): Promise<Heat> {
    const { world } = this
    this.#provider.discovery.start()
    await world.pass(PUBLISHED)
    // Without copies there is nothing to warm.
    const warming = this.#copies ? Math.ceil(WARM_UP / APART) : 0
    const others = world.nodes.filter((node) => node !== this.#provider)
    const askers = sample(this.#random, others, warming + wanted)
    for (const [i, asker] of askers.entries()) {
      if (i === warming) this.#measured = true
      void this.#resolve(asker, i >= warming)
      await world.pass(APART)
    }
    await world.pass(LONGEST)
    const asked = [...this.#asked.values()]
    return { asked, lookups: askers.length - warming, found: this.#found, world }
  }

  async #resolve({ discovery }: SimNode, counts: boolean): Promise<void> {
    const { signal } = new AbortController()
    const providers = await discovery.resolve(HOT, { signal })
    if (counts && providers.length > 0) this.#found++
  }

  #count({ node, opcode, body }: Heard): void {
    if (!this.#measured || opcode !== GET) return
    if (!this.#key.every((byte, i) => byte === body[i])) return
    this.#asked.set(node, (this.#asked.get(node) ?? 0) + 1)
  }

  #discover({ node, world, directory, seed }: Discovered): Discovery {
    const discovery = this.#network.discovery(node, world, { limits: PASSIVE })
    fillTable(discovery.table, { node, directory, seed })
    return discovery
  }
}

interface Discovered {
  readonly node: SimNode
  readonly world: World
  readonly directory: Directory<SimNode>
  readonly seed: number
}
