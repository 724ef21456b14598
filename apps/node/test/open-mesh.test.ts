import { nodeSuite } from '@flatend/monte/suite/node'
import { expect, onTestFinished, test, vi } from 'vitest'
import { generateSecretKey } from '../src/index.ts'
import { generatePuzzleKey, puzzleOf, solvePuzzles } from '../src/puzzles.ts'
import { createTestMesh } from '../src/testing/index.ts'

test('an open mesh whose ids cost something finds services as any other', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const puzzles = { static: 4, dynamic: 6 }
  const start = (services = {}) =>
    mesh.start({
      profile: 'open',
      puzzles,
      services,
      secretKey: generatePuzzleKey(4, generateSecretKey, nodeSuite),
      limits: { discovery: { maxFullMesh: 2 } },
    })
  const nodes = [await start(), await start(), await start(), await start(), await start()]
  await start({ far: () => 'from afar' })
  await vi.waitFor(
    async () => {
      const replies = nodes.map(async (node) => await (await node.call('far')).text())
      expect(await Promise.all(replies)).toEqual(nodes.map(() => 'from afar'))
    },
    { timeout: 8_000, interval: 250 },
  )
})

test('a key that does not solve the puzzle starts no node, nor do impossible bits', async () => {
  const mesh = createTestMesh()
  const code = 'FLATEND_NODE_PUZZLE'
  // One in 2^24 keys would.
  await expect(mesh.start({ puzzles: { static: 24 } })).rejects.toMatchObject({ code })
  for (const bits of [-1, 25, 1.5, Number.NaN]) {
    await expect(mesh.start({ puzzles: { dynamic: bits } })).rejects.toMatchObject({ code })
    expect(() => generatePuzzleKey(bits, generateSecretKey, nodeSuite)).toThrow('0 to 24')
  }
})

test('what a hello shows of the dynamic puzzle is read back, and nonsense is nothing', () => {
  const key = generateSecretKey().subarray(32)
  const metadata = solvePuzzles(key, { dynamic: 4 }, nodeSuite)
  expect(puzzleOf(['zone', 'eu', ...metadata])).toHaveLength(32)
  expect(puzzleOf(['flatend.puzzle', 'zz'])).toBeUndefined()
  expect(puzzleOf(['zone', metadata[1] as string])).toBeUndefined()
  expect(solvePuzzles(key, {}, nodeSuite)).toEqual([])
})
