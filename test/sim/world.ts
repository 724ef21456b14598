import type { Contact, Discovery } from '@flatend/kademlia'
import { createVirtualClock, type VirtualClock } from '@flatend/monte/memory'
import type { Measure } from './measure.ts'
import { hashed, type Random, randomId, seededRandom } from './random.ts'
import { Trace } from './trace.ts'
import { Traffic } from './traffic.ts'

/** A simulated node. */
export interface SimNode {
  readonly index: number
  readonly key: Uint8Array
  readonly contact: Contact
  /** The package's own discovery; made when it is first needed. */
  readonly discovery: Discovery
  /** Forgets its discovery, as a process that ends does. */
  end(): void
  alive: boolean
  /** What it offers, from its start on. */
  services: readonly string[]
  /** The newest protocol it speaks. */
  version: 1 | 2
  /** Answers with its like alone. */
  adversary: boolean
  /** Only nodes of one part reach each other. */
  part: number
  /** The lookup it runs, where somebody measures it. */
  measure: Measure | undefined
}

/** Options of {@link World}. */
export interface WorldOptions {
  readonly seed: number
  /** Share of messages lost, each then repeated after 300 ms, as TCP does. @default 0 */
  readonly loss?: number
  /** Makes a node's discovery. */
  readonly discover: (node: SimNode, world: World) => Discovery
}

/** Round trips of a pair, in milliseconds (discovery §6). */
const SHORTEST = 20
const LONGEST = 180
const TURN = Promise.resolve()
/** What waits on promises goes on in so many turns. */
const TURNS = 6
const REPEAT = 300

/** Time, chance and distance: everything that nodes have in common. */
export class World {
  readonly clock: VirtualClock = createVirtualClock()
  readonly random: Random
  readonly trace: Trace = new Trace()
  readonly traffic: Traffic = new Traffic()
  readonly nodes: SimNode[] = []
  readonly #seed: number
  readonly #loss: number
  readonly #discover: (node: SimNode, world: World) => Discovery
  readonly #byHost = new Map<string, SimNode>()

  constructor({ seed, loss = 0, discover }: WorldOptions) {
    this.#seed = seed
    this.#loss = loss
    this.#discover = discover
    this.random = seededRandom(seed)
  }

  /** A node at an address of its own, not started. */
  add(): SimNode {
    const index = this.nodes.length
    const host = `10.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`
    const key = randomId(this.random)
    const node = new LazyNode({ key, address: { host, port: 9_000 }, capabilities: 1 }, index, () =>
      this.#discover(node, this),
    )
    this.nodes.push(node)
    this.#byHost.set(host, node)
    return node
  }

  /** Who is at `host` or `host:port`. */
  at(address: string): SimNode | undefined {
    const colon = address.indexOf(':')
    return this.#byHost.get(colon < 0 ? address : address.slice(0, colon))
  }

  reaches(a: SimNode, b: SimNode): boolean {
    return a.alive && b.alive && a.part === b.part
  }

  /** From one to another, one way: half of what belongs to the pair, and repeats of what is lost. */
  latency(a: SimNode, b: SimNode): number {
    const [low, high] = a.index < b.index ? [a.index, b.index] : [b.index, a.index]
    let ms = (SHORTEST + hashed(this.#seed, low, high) * (LONGEST - SHORTEST)) / 2
    while (this.#loss > 0 && this.random() < this.#loss) ms += REPEAT
    return ms
  }

  note(kind: number, a: SimNode, b: SimNode): void {
    this.trace.add(this.clock.now(), kind, [a.index, b.index])
  }

  /** Lets time pass until something is true, nothing is left to happen, or `ms` are over. */
  async run(done: () => boolean, ms: number = Number.POSITIVE_INFINITY): Promise<void> {
    const end = this.clock.now() + ms
    for (;;) {
      for (let i = 0; i < TURNS; i++) await TURN
      if (done() || this.clock.now() >= end || !this.clock.next()) return
    }
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    let over = false
    this.clock.schedule(ms, () => {
      over = true
    })
    await this.run(() => over)
  }
}

class LazyNode implements SimNode {
  readonly index: number
  readonly contact: Contact
  alive = true
  services: readonly string[] = []
  version: 1 | 2 = 2
  adversary = false
  part = 0
  measure: Measure | undefined
  readonly #make: () => Discovery
  #discovery: Discovery | undefined

  constructor(contact: Contact, index: number, make: () => Discovery) {
    this.contact = contact
    this.index = index
    this.#make = make
  }

  get key(): Uint8Array {
    return this.contact.key
  }

  end(): void {
    this.alive = false
    this.#discovery?.stop()
    this.#discovery = undefined
  }

  get discovery(): Discovery {
    this.#discovery ??= this.#make()
    return this.#discovery
  }
}
