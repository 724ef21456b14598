import { BUCKET_SIZE, type RoutingTable, SIBLINGS } from '@flatend/kademlia'
import type { Directory } from './directory.ts'
import { below, sample, seededRandom } from './random.ts'
import type { SimNode } from './world.ts'

/** Options of {@link fillTable}. */
export interface FillOptions {
  readonly node: SimNode
  readonly directory: Directory<SimNode>
  readonly seed: number
}

/**
 * Fills a node's table as that of a converged network is: 16 of each bucket at random, or all there
 * are, and the 32 nearest of all. The same for the same node and seed, whenever it is asked for.
 */
export function fillTable(table: RoutingTable, { node, directory, seed }: FillOptions): void {
  const random = seededRandom(seed ^ Math.imul(node.index + 1, 0x9e37_79b1))
  for (const [low, high] of directory.buckets(node.key)) {
    for (const other of pick(random, directory.sorted, [low, high])) table.seen(other.contact)
  }
  for (const other of directory.nearest(node.key, SIBLINGS + 1)) table.seen(other.contact)
}

/** Few of many without touching all of them. */
function pick(
  random: () => number,
  nodes: readonly SimNode[],
  [low, high]: readonly [number, number],
): readonly SimNode[] {
  if (high - low <= BUCKET_SIZE * 4) return sample(random, nodes.slice(low, high), BUCKET_SIZE)
  const places = new Set<number>()
  while (places.size < BUCKET_SIZE) places.add(low + below(random, high - low))
  return [...places].map((place) => nodes[place] as SimNode)
}
