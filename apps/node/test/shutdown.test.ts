import { expect, onTestFinished, test, vi } from 'vitest'
import { createTestMesh } from '../src/testing/index.ts'

/** So long that a shutdown which waits for it fails the test by its own time. */
const FOR_EVER = 600_000

test('nodes that shut down together let the calls of both finish, and wait for nothing else', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let running = 0
  const hold = (name: string) => async () => {
    running++
    await held
    return name
  }
  const a = await mesh.start({ services: { a: hold('a') } })
  const b = await mesh.start({ services: { b: hold('b') } })
  await vi.waitFor(() => expect(a.providersFor(['b'])).toHaveLength(1))
  const calls = [a.call('b'), b.call('a')]
  await vi.waitFor(() => expect(running).toBe(2))
  const ends = [a.shutdown({ timeoutMs: FOR_EVER }), b.shutdown({ timeoutMs: FOR_EVER })]
  await vi.waitFor(() => expect(a.peers().length + b.peers().length).toBeGreaterThan(0))
  release()
  const replies = await Promise.all(calls)
  expect(await Promise.all(replies.map((reply) => reply.text()))).toEqual(['b', 'a'])
  await Promise.all(ends)
  expect(a.peers().length + b.peers().length).toBe(0)
})
