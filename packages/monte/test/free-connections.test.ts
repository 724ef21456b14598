import { expect, test } from 'vitest'
import { circuitScene } from './support/relay-scene.ts'

test('a connection is free once its last circuit is gone, at the latest after ten minutes', async () => {
  const { scene, open, caller, relay, toRelay, atRelay } = await circuitScene()
  const free: string[] = []
  caller.circuits.whenFree(toRelay, () => free.push('without any'))
  expect(free).toEqual(['without any'])
  const link = await open()
  caller.circuits.whenFree(toRelay, () => free.push('caller'))
  relay.circuits.whenFree(atRelay, () => free.push('relay'))
  scene.pass(1_000)
  expect(free).toEqual(['without any'])
  link.destroy()
  scene.pass(5)
  expect(free.toSorted()).toEqual(['caller', 'relay', 'without any'])
  await open()
  caller.circuits.whenFree(toRelay, () => free.push('late'))
  scene.pass(600_000)
  expect(free).toContain('late')
})
