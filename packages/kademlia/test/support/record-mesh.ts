import type { DiscoveryOptions, Peer, RecordStats } from '../../src/index.ts'
import { toHex } from '../../src/index.ts'
import { randomId } from './ids.ts'
import { TestMesh, type TestNode } from './mesh.ts'
import { hash, signerOf, verify } from './records.ts'

/** Wall time at the start of a test's clock. */
export const WALL = 1_700_000_000_000

/** Nodes that keep few connections, so that services are found by records alone. */
export class RecordMesh extends TestMesh {
  /** A node that joins through the first one. */
  recordNode(options: Partial<DiscoveryOptions> = {}): TestNode {
    const key = randomId(this.random)
    const { clock } = this
    return this.node({
      key,
      seeds: this.nodes.length === 0 ? [] : ['10.0.0.1:9000'],
      records: { signer: signerOf(key), verify, hash, wallNow: () => WALL + clock.now() },
      ...options,
      limits: { maxFullMesh: 4, ...options.limits },
    })
  }

  /** Nodes that have joined, one after another. */
  async grow(count: number): Promise<TestNode[]> {
    const nodes: TestNode[] = []
    for (let i = 0; i < count; i++) {
      nodes.push(this.recordNode().start())
      await this.clock.advance(20)
    }
    await this.clock.advance(2_000)
    return nodes
  }

  /** What a node resolves a service to, within some seconds. */
  async resolve(node: TestNode, service: string, waitMs = 20_000): Promise<readonly string[]> {
    const { signal } = new AbortController()
    const state: { found?: readonly Peer[] } = {}
    const wait = async (): Promise<void> => {
      state.found = await node.discovery.resolve(service, { signal })
    }
    void wait()
    for (let waited = 0; waited < waitMs && !state.found; waited += 50) {
      await this.clock.advance(50)
    }
    const { found } = state
    if (!found) throw new Error('resolving took too long')
    return found.map(({ key }) => toHex(key as Uint8Array))
  }

  /** A counter of all nodes together. */
  count(counter: keyof RecordStats): number {
    return this.nodes.reduce(
      (sum, { discovery }) => sum + (discovery.recordStats?.[counter] ?? 0),
      0,
    )
  }
}

/** Whether two nodes have a connection. */
export function areConnected(a: TestNode, b: TestNode): boolean {
  return a.peers().includes(toHex(b.key))
}
