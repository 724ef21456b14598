import { compareDistance, compareIds } from '@flatend/kademlia'

interface Keyed {
  readonly key: Uint8Array
}

/** Few enough to sort. */
const LEAF = 24

/** All nodes in the order of their ids: what is true of the network, for nobody in it to see. */
export class Directory<T extends Keyed> {
  readonly sorted: readonly T[]

  constructor(nodes: readonly T[]) {
    this.sorted = nodes.toSorted((a, b) => compareIds(a.key, b.key))
  }

  /** The `count` nearest to a target, nearest first, of those that pass. */
  nearest(target: Uint8Array, count: number, passes: (node: T) => boolean = () => true): T[] {
    const found: T[] = []
    const walk = (low: number, high: number, bit: number): void => {
      if (found.length >= count || low === high) return
      if (high - low <= LEAF || bit === 256) {
        const leaf = this.sorted.slice(low, high).filter((node) => passes(node))
        found.push(...leaf.toSorted((a, b) => compareDistance(target, a.key, b.key)))
        return
      }
      const middle = this.#split(low, high, bit)
      const one = bitAt(target, bit) === 1
      if (one) walk(middle, high, bit + 1)
      else walk(low, middle, bit + 1)
      if (one) walk(low, middle, bit + 1)
      else walk(middle, high, bit + 1)
    }
    walk(0, this.sorted.length, 0)
    return found.slice(0, count)
  }

  /** For each number of first bits, the nodes that share exactly so many with a key: [from, to). */
  buckets(key: Uint8Array): readonly (readonly [number, number])[] {
    const ranges: (readonly [number, number])[] = []
    let low = 0
    let high = this.sorted.length
    for (let bit = 0; bit < 256 && high - low > 1; bit++) {
      const middle = this.#split(low, high, bit)
      if (bitAt(key, bit) === 1) {
        ranges.push([low, middle])
        low = middle
      } else {
        ranges.push([middle, high])
        high = middle
      }
    }
    return ranges
  }

  /** The first between two places whose bit is 1. */
  #split(from: number, to: number, bit: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >> 1
      if (bitAt((this.sorted[middle] as T).key, bit) === 1) high = middle
      else low = middle + 1
    }
    return low
  }
}

function bitAt(key: Uint8Array, bit: number): number {
  return ((key[bit >>> 3] as number) >>> (7 - (bit & 7))) & 1
}
