import { expect, onTestFinished, test } from 'vitest'
import type { Node } from '../src/index.ts'
import { createTestMesh } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

const limits = { discovery: { maxFullMesh: 2 } }

/** Nodes that keep few connections, and one that none of the returned pair's callers is connected to. */
async function sparseMesh(): Promise<{ callers: Node[]; provider: Node }> {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const nodes: Node[] = []
  for (let i = 0; i < 12; i++) nodes.push(await mesh.start({ limits }))
  const provider = await mesh.start({ limits, services: { far: () => 'from afar' } })
  // Its record is published once it has joined.
  await waitFor(async () => expect(await nodes[0]?.resolve('far')).toHaveLength(1))
  const callers = nodes.filter((node) => node.providersFor(['far']).length === 0)
  expect(callers.length).toBeGreaterThan(0)
  return { callers, provider }
}

test('a service is called at a node that the caller was not connected to', async () => {
  const { callers } = await sparseMesh()
  // The mesh is still growing together: its record is not where everybody looks at once.
  const calls = callers.map((node) =>
    waitFor(async () => expect(await (await node.call('far')).text()).toBe('from afar')),
  )
  await Promise.all(calls)
  for (const node of callers) expect(node.providersFor(['far'])).toHaveLength(1)
})

test('a node resolves and watches a service that it has no connection to', async () => {
  const { callers, provider } = await sparseMesh()
  const [caller, watcher] = callers as [Node, Node]
  const [found] = await caller.resolve('far')
  expect(found?.id.toString()).toBe(provider.id.toString())
  const told: number[] = []
  const end = watcher.watch('far', (providers) => told.push(providers.length))
  await waitFor(() => expect(watcher.providersFor(['far'])).toHaveLength(1))
  await provider.shutdown()
  await waitFor(() => expect(told.at(-1)).toBe(0))
  end()
  expect(await caller.resolve('none')).toEqual([])
  await expect(caller.call('none')).rejects.toMatchObject({ kind: 'no-provider' })
})
