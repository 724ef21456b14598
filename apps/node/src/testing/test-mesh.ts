import { createMemoryNetwork, seededRandom } from '@flatend/monte/memory'
import { Node } from '../node.ts'
import type { NodeOptions } from '../options.ts'
import { systemClock } from '../runtime.ts'
import type { Transport } from '../transport.ts'

const PORT = 9000
/** Hosts are 10.0.0.1 to 10.0.255.254. */
const MAX_NODES = 65_000

/** Options of {@link createTestMesh}. */
export interface TestMeshOptions {
  /** One way, in milliseconds: a number, or the least and the most. @default 0 */
  readonly latencyMs?: number | readonly [number, number]
  /** Chance that a connection breaks off, each time either side writes. @default 0 */
  readonly loss?: number
  /** What happens by chance in the network follows from it. @default 1 */
  readonly seed?: number
}

/** Nodes that reach each other in memory. */
export interface TestMesh {
  /**
   * Starts a node on a host of its own, joined through the first one unless `addrs` says otherwise.
   * Options are those of {@link Node.start}.
   */
  start(options?: Omit<NodeOptions, 'transport'>): Promise<Node>
  /** Splits the network by node; those not named form one more group. Connections between groups go silent. */
  partition(groups: readonly (readonly Node[])[]): void
  /** Ends the partition: what went silent is cut, nodes reconnect. */
  heal(): void
  /** Shuts every node down, at once. */
  shutdown(): Promise<void>
}

/** A mesh in memory, in real time. */
export function createTestMesh({ latencyMs, loss, seed = 1 }: TestMeshOptions = {}): TestMesh {
  const network = createMemoryNetwork({
    clock: systemClock,
    random: seededRandom(seed),
    ...(latencyMs === undefined ? {} : { latency: latencyMs }),
    ...(loss === undefined ? {} : { loss }),
  })
  const hosts = new Map<Node, string>()
  let count = 0
  const transportOf = (host: string): Transport => ({
    listen: (address, { onLink }) => network.listen({ ...address, onLink }),
    dial: (address, { signal }) => network.dial({ ...address, from: host, signal }),
  })
  return {
    async start(options = {}) {
      if (count >= MAX_NODES) throw new RangeError(`a test mesh has at most ${MAX_NODES} nodes`)
      count++
      const host = `10.0.${count >> 8}.${count & 255}`
      const node = await Node.start({
        bindAddrs: [`${host}:${PORT}`],
        addrs: count === 1 ? [] : [`10.0.0.1:${PORT}`],
        ...options,
        transport: transportOf(host),
      })
      hosts.set(node, host)
      return node
    },
    partition: (groups) => {
      network.partition(groups.map((nodes) => nodes.flatMap((node) => hosts.get(node) ?? [])))
    },
    heal: () => network.heal(),
    async shutdown() {
      await Promise.all([...hosts.keys()].map((node) => node.shutdown({ timeoutMs: 0 })))
      hosts.clear()
    },
  }
}
