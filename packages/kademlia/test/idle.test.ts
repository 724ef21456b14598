import { expect, test } from 'vitest'
import { RecordMesh } from './support/record-mesh.ts'

const MINUTE = 60_000

test('connections that were closed for being idle are not made anew by the other side', async () => {
  const mesh = new RecordMesh(12)
  const nodes = await mesh.grow(70)
  await mesh.clock.advance(6 * MINUTE)
  const before = nodes.map(({ dialed }) => dialed.length)
  await mesh.clock.advance(6 * MINUTE)
  // A probe of each contact that is not connected, once in ten minutes, and searches for ourselves.
  for (const [i, { dialed, discovery }] of nodes.entries()) {
    expect(dialed.length - (before[i] as number)).toBeLessThanOrEqual(discovery.table.size)
  }
})
