import { expect, onTestFinished, test } from 'vitest'
import { createTestMesh } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

test('services for which a hello has no room are told all the same', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const caller = await mesh.start()
  const names = Array.from({ length: 1_000 }, (_, i) => `service-${i}-${'x'.repeat(40)}`)
  await mesh.start({ services: Object.fromEntries(names.map((name) => [name, () => name])) })
  await waitFor(() => expect(caller.peers()[0]?.services).toHaveLength(names.length))
  for (const name of [names[0], names.at(-1)] as string[]) {
    expect(await (await caller.call(name)).text()).toBe(name)
  }
})
