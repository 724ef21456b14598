import { describe, expect, test } from 'vitest'
import { type Ranked, toHex } from '../src/index.ts'
import type { TestNode } from './support/mesh.ts'
import { RecordMesh } from './support/record-mesh.ts'

const SERVICE = 'counter'
const KEYS = Array.from({ length: 12 }, (_, i) => `key ${i}`)

interface Keyed {
  readonly mesh: RecordMesh
  readonly callers: readonly TestNode[]
  readonly providers: readonly TestNode[]
}

async function keyed(seed: number): Promise<Keyed> {
  const mesh = new RecordMesh(seed)
  const nodes = await mesh.grow(40)
  const providers = Array.from({ length: 5 }, () =>
    mesh.recordNode({ services: [SERVICE] }).start(),
  )
  await mesh.clock.advance(5_000)
  return { mesh, callers: nodes.slice(10, 13), providers }
}

const nameOf = (node: TestNode, ranked: Ranked | undefined): string =>
  ranked === 'self'
    ? toHex(node.key)
    : typeof ranked === 'object'
      ? toHex(ranked.key ?? node.key)
      : 'nobody'

/** Who has a key, as one node sees it, once it is connected. */
async function owner({ mesh }: Keyed, node: TestNode, key: string): Promise<string> {
  const state = { done: false }
  const settle = (): void => {
    state.done = true
  }
  void node.discovery.findKeyed(SERVICE, key, () => false).then(settle)
  for (let waited = 0; waited < 60_000 && !state.done; waited += 50) await mesh.clock.advance(50)
  return nameOf(node, node.discovery.keyed(SERVICE, key)?.[0])
}

async function owners(scene: Keyed, node: TestNode): Promise<string[]> {
  const found: string[] = []
  for (const key of KEYS) found.push(await owner(scene, node, key))
  return found
}

describe('providers of a key', () => {
  test.each([1, 2])('are the same for all, those who offer it included (seed %i)', async (seed) => {
    const scene = await keyed(seed)
    const [first, ...others] = scene.callers as [TestNode, ...TestNode[]]
    expect(first.discovery.keyed(SERVICE, 'key 0')).toBeUndefined()
    const expected = await owners(scene, first)
    expect(expected).not.toContain('nobody')
    expect(new Set(expected).size).toBeGreaterThan(2)
    for (const node of [...others, ...scene.providers.slice(0, 2)])
      expect(await owners(scene, node)).toEqual(expected)
  })

  test('move from one that does not answer to the next, and nobody else’s do', async () => {
    const scene = await keyed(3)
    const [node, fresh] = scene.callers as [TestNode, TestNode]
    const before = await owners(scene, node)
    const gone = scene.providers.find(({ key }) => before.includes(toHex(key))) as TestNode
    gone.crash()
    await scene.mesh.clock.advance(60_000)
    for (const one of [node, fresh]) {
      const after = await owners(scene, one)
      const isTheirs = (_: string, i: number): boolean => before[i] !== toHex(gone.key)
      expect(after.filter(isTheirs)).toEqual(before.filter(isTheirs))
      expect(after).not.toContain(toHex(gone.key))
      expect(after).not.toContain('nobody')
    }
  })

  test('are none where nobody offers it', async () => {
    const scene = await keyed(4)
    const [node] = scene.callers as [TestNode]
    const finding = node.discovery.findKeyed('nothing', 'key', () => false)
    await scene.mesh.clock.advance(10_000)
    await finding
    expect(node.discovery.keyed('nothing', 'key')).toEqual([])
  })
})
