import { expect, test } from 'vitest'
import { createDiscovery, toHex } from '../src/index.ts'
import type { TestNodeOptions } from './support/mesh.ts'
import { areConnected, RecordMesh } from './support/record-mesh.ts'

const SERVICE = 'late'

/** A node that does not know its address when it starts. */
const unaware: TestNodeOptions = {
  services: [SERVICE],
  discover: (options) => createDiscovery({ ...options, self: { key: options.self.key } }),
}

test('a node that learns later where it can be dialed publishes its services then', async () => {
  const mesh = new RecordMesh(1)
  const nodes = await mesh.grow(60)
  const provider = mesh.recordNode(unaware).start()
  await mesh.clock.advance(20_000)
  const node = nodes.find((one) => !areConnected(one, provider))
  if (!node) throw new Error('everybody is connected')
  expect(await mesh.resolve(node, SERVICE)).toEqual([])
  expect(mesh.count('stored')).toBe(0)

  provider.discovery.setReached([{ address: { host: '0.0.0.0', port: 9_000 } }])
  await mesh.clock.advance(20_000)
  expect(mesh.count('stored')).toBe(0)

  const [host = '', port] = (provider.address as string).split(':')
  provider.discovery.setReached([{ address: { host, port: Number(port) } }])
  await mesh.clock.advance(20_000)
  expect(mesh.count('stored')).toBeGreaterThanOrEqual(16)
  expect(await mesh.resolve(node, SERVICE)).toEqual([toHex(provider.key)])

  // What is offered from then on is published too; another address is told with the next record.
  provider.discovery.setServices([SERVICE, 'more'])
  provider.services = [SERVICE, 'more']
  await mesh.clock.advance(20_000)
  expect(await mesh.resolve(node, 'more')).toEqual([toHex(provider.key)])
  provider.discovery.setReached([{ address: { host: '10.0.99.99', port: 9_000 } }])
  await mesh.clock.advance(20_000)
  const [record] = await found(mesh, node.discovery.findRecords(SERVICE))
  expect(record?.addresses).toEqual([{ address: { host: '10.0.99.99', port: 9_000 } }])
})

/** What comes of it while time passes. */
async function found<T>(mesh: RecordMesh, promise: Promise<T>): Promise<T> {
  const state: { value?: T } = {}
  const wait = async (): Promise<void> => {
    state.value = await promise
  }
  void wait()
  for (let waited = 0; waited < 20_000 && state.value === undefined; waited += 50)
    await mesh.clock.advance(50)
  return await promise
}
