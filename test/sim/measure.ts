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
  toHolder: number | undefined
  readonly #target: Uint8Array
  readonly #asked = new Set<string>()
  /** Hops to each node heard of: 1 where it was in our own table. */
  readonly #depths = new Map<string, number>()
  readonly #holders: ReadonlySet<string>

  constructor(target: Uint8Array, holders: readonly SimNode[]) {
    this.#target = target
    this.#holders = new Set(holders.map(hostOf))
  }

  /** Nodes asked. */
  get asked(): number {
    return this.#asked.size
  }

  /** Whether a question, which begins with its target, is one of this lookup. */
  isFor(body: Uint8Array): boolean {
    return this.#target.every((byte, i) => byte === body[i])
  }

  ask(node: SimNode): void {
    const host = hostOf(node)
    this.#asked.add(host)
    if (!this.#depths.has(host)) this.#depths.set(host, 1)
  }

  answer(node: SimNode, named: readonly string[]): void {
    const host = hostOf(node)
    const depth = (this.#depths.get(host) ?? 0) + 1
    for (const one of named) if (!this.#depths.has(one)) this.#depths.set(one, depth)
    if (this.#holders.has(host)) this.toHolder ??= this.asked
  }

  depth({ address }: Contact): number {
    return this.#depths.get(address.host) ?? 0
  }

  holds({ address }: Contact): boolean {
    return this.#holders.has(address.host)
  }
}

function hostOf({ contact }: SimNode): string {
  return contact.address.host
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
  const measure = new Measure(target, holders)
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

/** Lookups under way at a time. */
const AT_ONCE = 8

/** Runs `count` lookups, a few at a time; `start` gets the number of each. */
export async function manyLookups(
  world: World,
  count: number,
  start: (i: number) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let started = 0
  const work = async (): Promise<void> => {
    while (started < count) outcomes.push(await start(started++))
  }
  let over = false
  const all = Promise.all(Array.from({ length: AT_ONCE }, work)).finally(() => {
    over = true
  })
  await world.run(() => over)
  await all
  return outcomes
}
