import { expect } from 'vitest'
import { type DiscoveryLimits, toHex } from '../../src/index.ts'
import { TestMesh, type TestNode } from './mesh.ts'

export const SEEDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8]
export const others = (nodes: readonly TestNode[], node: TestNode): TestNode[] =>
  nodes.filter((one) => one !== node)
export const keys = (nodes: readonly TestNode[]): string[] =>
  nodes.map(({ key }) => toHex(key)).toSorted()

/** One seed and others that join through it. */
export function meshOf(
  from: number,
  size: number,
  limits: Partial<DiscoveryLimits> = {},
): TestMesh {
  const mesh = new TestMesh(from)
  for (let i = 0; i < size; i++) {
    mesh.node({ seeds: i === 0 ? [] : ['10.0.0.1:9000'], services: [`service ${i}`], limits })
  }
  return mesh
}

export function expectFullMesh(nodes: readonly TestNode[]): void {
  for (const node of nodes) {
    expect(node.peers()).toEqual(keys(others(nodes, node)))
    for (const [i, { services }] of nodes.entries()) {
      if (nodes[i] === node) continue
      const found = node.discovery.providers(services[0] ?? '')
      expect(found.map((peer) => toHex(peer.key as Uint8Array))).toEqual([
        toHex((nodes[i] as TestNode).key),
      ])
    }
    expect(node.errors).toEqual([])
  }
}
