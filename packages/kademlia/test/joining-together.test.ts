import { expect, test } from 'vitest'
import { TestMesh } from './support/mesh.ts'

test('nodes that start at once make one connection a pair at first, and know each other in a second', async () => {
  const mesh = new TestMesh(21)
  const COUNT = 24
  for (let i = 0; i < COUNT; i++) mesh.node(i === 0 ? {} : { seeds: ['10.0.0.1:9000'] })
  for (const node of mesh.nodes) node.start()
  await mesh.clock.advance(1_200)
  for (const node of mesh.nodes) expect(new Set(node.peers()).size).toBe(COUNT - 1)
  const dials = mesh.nodes.reduce((sum, { dialed }) => sum + dialed.length, 0)
  const pairs = (COUNT * (COUNT - 1)) / 2
  // Some dial each other in the same moment; the first verifies whoever comes.
  expect(dials).toBeLessThan(pairs * 2)
  // Later everybody is dialed by everybody: who was, may be told to others.
  await mesh.clock.advance(10_000)
  for (const node of mesh.nodes) expect(node.tells()).toHaveLength(COUNT - 1)
})
