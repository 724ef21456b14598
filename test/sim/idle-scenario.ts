import { ConnectedNetwork, PASSIVE } from './connected-network.ts'
import { Directory } from './directory.ts'
import { type Figure, mean } from './figures.ts'
import { manyLookups, measureLookup, type Outcome } from './measure.ts'
import { fillTable } from './preset.ts'
import { below, randomId, seededRandom } from './random.ts'
import type { Report, ScenarioOptions } from './scenario.ts'
import { DIAL } from './traffic.ts'
import { type SimNode, World } from './world.ts'

const MINUTE = 60_000
/** One starts after the other, in virtual milliseconds. */
const APART = 20
/** Until what joining costs is over. */
const SETTLED = 12 * MINUTE
/** How long nobody does anything of its own: a whole round of probes and two of refreshing. */
const IDLE = 10 * MINUTE
/** Up to so many nodes all join in full; of more, tables are preset and few nodes are awake. */
const MOST_JOINED = 100
const AWAKE = 40
/** Nodes a lookup is to find. */
const K = 16
/**
 * Bytes of a message around its body, alone in a packet: length, number, opcode, length of the packet,
 * tag (protocol §3). TCP and IP have 40 to 52 more for each segment.
 */
const AROUND = 29
/** Bytes of a handshake, both directions, and of a connection's keepalives in a minute: both measured. */
const HANDSHAKE = 580
const KEEPALIVES = 540

/** What a node costs its operator: nothing is called, one service is offered by each. */
export async function idle(options: ScenarioOptions): Promise<Report> {
  const mesh = new IdleMesh(options)
  await mesh.settle()
  const resting = await mesh.rest()
  const outcomes = await mesh.lookups(options.lookups)
  const { trace } = mesh.world
  return {
    title: `${options.nodes} nodes at rest`,
    figures: [...resting, ...mesh.lookupFigures(outcomes)],
    hash: trace.digest(),
    events: trace.count,
    plot: { label: 'messages a lookup', values: outcomes.map(({ messages }) => messages) },
  }
}

class IdleMesh {
  readonly world: World
  readonly #network = new ConnectedNetwork()
  readonly #directory: Directory<SimNode>
  /** Those that do all that a node does; the others answer. */
  readonly #awake: readonly SimNode[]
  readonly #joined: boolean
  readonly #random: () => number

  constructor({ nodes, seed }: ScenarioOptions) {
    this.#joined = nodes <= MOST_JOINED
    this.#random = seededRandom(seed + 1)
    const awake = new Set<SimNode>()
    this.world = new World({
      seed,
      discover: (node, world) => {
        const first = world.nodes[0] as SimNode
        const { host, port } = first.contact.address
        const seeds = this.#joined && node !== first ? [`${host}:${port}`] : []
        const options = awake.has(node) ? { seeds } : { limits: PASSIVE }
        const discovery = this.#network.discovery(node, world, options)
        if (!this.#joined) fillTable(discovery.table, { node, directory: this.#directory, seed })
        return discovery
      },
    })
    for (let i = 0; i < nodes; i++) this.world.add()
    this.#directory = new Directory(this.world.nodes)
    this.#awake = this.#joined ? this.world.nodes : this.world.nodes.slice(0, AWAKE)
    for (const node of this.#awake) {
      awake.add(node)
      node.services = [`service-${node.index}`]
    }
    this.world.traffic.counts = (node) => awake.has(node)
  }

  async settle(): Promise<void> {
    if (this.#joined) for (const node of this.world.nodes) node.alive = false
    for (const node of this.#awake) {
      node.alive = true
      node.discovery.start()
      await this.world.pass(APART)
    }
    await this.world.pass(SETTLED)
  }

  /** Each node is asked as often as it asks: of what it sends, half are questions and half answers. */
  async rest(): Promise<Figure[]> {
    const { traffic } = this.world
    traffic.clear()
    await this.world.pass(IDLE)
    const minutes = (this.#awake.length * IDLE) / MINUTE
    const { messages, bytes } = traffic.said
    const dials = traffic.of(DIAL).messages
    const connections = this.#connections()
    const sent = bytes + messages * AROUND + dials * HANDSHAKE
    return [
      { name: 'connections of a node', value: Math.round(connections) },
      { name: 'contacts of a node', value: Math.round(mean(this.#awake.map(contactsOf))) },
      { name: 'messages a minute', value: oneDecimal(messages / minutes) },
      { name: 'connections made a minute', value: oneDecimal(dials / minutes) },
      {
        name: 'bytes a minute',
        value: Math.round(sent / minutes + (connections * KEEPALIVES) / 2),
      },
    ]
  }

  /** In a preset network a node has made so many, and as many were made to it. */
  #connections(): number {
    const open = mean(this.#awake.map((node) => this.#network.connections(node)))
    return this.#joined ? open : open * 2
  }

  async lookups(count: number): Promise<Outcome[]> {
    this.world.traffic.clear()
    return await manyLookups(this.world, count, () => {
      let from = this.#someone()
      while (from.measure) from = this.#someone()
      const target = randomId(this.#random)
      const holders = this.#directory.nearest(target, K, (node) => node !== from)
      return measureLookup(this.world, { from, target, holders })
    })
  }

  lookupFigures(outcomes: readonly Outcome[]): Figure[] {
    const { traffic } = this.world
    const { messages, bytes } = traffic.said
    const dials = traffic.of(DIAL).messages
    const count = outcomes.length
    const sent = bytes + messages * AROUND + dials * HANDSHAKE
    return [
      { name: 'nodes a lookup asks', value: oneDecimal(mean(outcomes.map((one) => one.messages))) },
      { name: 'connections a lookup makes', value: oneDecimal(dials / count) },
      { name: 'bytes a lookup takes', value: Math.round(sent / count) },
      { name: 'virtual ms a lookup takes', value: Math.round(mean(outcomes.map(({ ms }) => ms))) },
    ]
  }

  #someone(): SimNode {
    return this.#awake[below(this.#random, this.#awake.length)] as SimNode
  }
}

function contactsOf({ discovery }: SimNode): number {
  return discovery.table.size
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10
}
