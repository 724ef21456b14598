import type { Contact } from '@flatend/kademlia'
import { K } from './figures.ts'
import type { SimNode, World } from './world.ts'

/** What one lookup cost and found. */
export interface Outcome {
  readonly found: readonly Contact[]
  /** Nodes asked, whether they answered or not. */
  readonly messages: number
  /** Hops to the nearest node found: 1 where it was in our own table. */
  readonly depth: number
  /** Nodes asked until one of the holders answered; `undefined` where none did. */
  readonly toHolder: number | undefined
  /** Share of the nearest nodes alive that were found. */
  readonly recall: number
  /** Whether the nearest node alive was found. */
  readonly foundNearest: boolean
  readonly ms: number
}

/** Watches a lookup from outside: what its node sends, what comes back. */
export class Measure {
  asked = 0
  toHolder: number | undefined
  readonly #depths = new Map<string, number>()
  readonly #holders: ReadonlySet<string>

  constructor(holders: readonly SimNode[]) {
    this.#holders = new Set(holders.map(({ contact }) => contact.address.host))
  }

  /** A node is asked; who was named by nobody is from our own table. */
  ask({ contact }: SimNode): void {
    this.asked++
    const { host } = contact.address
    if (!this.#depths.has(host)) this.#depths.set(host, 1)
  }

  answer({ contact }: SimNode, named: readonly Contact[]): void {
    const { host } = contact.address
    const depth = this.depth(contact) + 1
    for (const { address } of named) {
      if (!this.#depths.has(address.host)) this.#depths.set(address.host, depth)
    }
    if (this.#holders.has(host)) this.toHolder ??= this.asked
  }

  depth({ address }: Contact): number {
    return this.#depths.get(address.host) ?? 0
  }

  holds({ address }: Contact): boolean {
    return this.#holders.has(address.host)
  }
}

/** Options of {@link measureLookup}. */
export interface MeasureOptions {
  readonly from: SimNode
  readonly target: Uint8Array
  /** The nearest nodes there are, which hold the records of the target. */
  readonly holders: readonly SimNode[]
  readonly paths?: number
}

/** Runs one lookup to its end. Others of the same node must not run meanwhile. */
export async function measureLookup(
  world: World,
  { from, target, holders, paths = 1 }: MeasureOptions,
): Promise<Outcome> {
  const measure = new Measure(holders)
  from.measure = measure
  const start = world.clock.now()
  const { signal } = new AbortController()
  const found = await from.discovery.lookup(target, { signal, paths })
  from.measure = undefined
  const [nearest] = found
  return {
    found,
    messages: measure.asked,
    depth: nearest ? measure.depth(nearest) : 0,
    toHolder: measure.toHolder,
    recall: found.filter((contact) => measure.holds(contact)).length / Math.min(K, holders.length),
    foundNearest: found.some(({ address }) => address.host === holders[0]?.contact.address.host),
    ms: world.clock.now() - start,
  }
}
