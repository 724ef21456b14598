import { expect, onTestFinished, test } from 'vitest'
import { createTestMesh } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

/** A shutdown which waits for it fails the test by its own time. */
const FOR_EVER = Number.POSITIVE_INFINITY

test('nodes that shut down together let the calls of both finish, and wait for nothing else', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const waiting: (() => void)[] = []
  const hold = (name: string) => async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return name
  }
  const a = await mesh.start({ services: { a: hold('a') } })
  const b = await mesh.start({ services: { b: hold('b') } })
  await waitFor(() => expect(a.providersFor(['b'])).toHaveLength(1))
  const calls = [a.call('b'), b.call('a')]
  await waitFor(() => expect(waiting).toHaveLength(2))
  const ends = [a.shutdown({ timeoutMs: FOR_EVER }), b.shutdown({ timeoutMs: FOR_EVER })]
  await waitFor(() => expect(a.peers().length + b.peers().length).toBeGreaterThan(0))
  for (const release of waiting) release()
  const replies = await Promise.all(calls)
  expect(await Promise.all(replies.map((reply) => reply.text()))).toEqual(['b', 'a'])
  await Promise.all(ends)
  expect(a.peers().length + b.peers().length).toBe(0)
})

test('what runs during a shutdown may call others, and the node itself', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const waiting: (() => void)[] = []
  const caller = await mesh.start({ services: { other: () => 'other' } })
  const provider = await mesh.start({
    services: {
      own: () => 'own',
      outer: async (ctx) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        const replies = [await ctx.call('other'), await ctx.call('own'), await ctx.call('other')]
        return (await Promise.all(replies.map((reply) => reply.text()))).join()
      },
    },
  })
  await waitFor(() => expect(caller.providersFor(['outer'])).toHaveLength(1))
  const call = caller.call('outer')
  await waitFor(() => expect(waiting).toHaveLength(1))
  const end = provider.shutdown({ timeoutMs: FOR_EVER })
  // It is offered by nobody any more, and who calls it all the same is told at once.
  await waitFor(() => expect(caller.providersFor(['outer'])).toHaveLength(0))
  await expect(caller.call('outer')).rejects.toMatchObject({ kind: 'no-provider' })
  await expect(provider.call('other')).rejects.toMatchObject({ code: 'FLATEND_NODE_SHUT_DOWN' })
  for (const release of waiting) release()
  expect(await (await call).text()).toBe('other,own,other')
  await end
  expect(provider.peers()).toEqual([])
})
