import { expect, onTestFinished, test, vi } from 'vitest'
import type { Node } from '../src/index.ts'
import { silentLogger } from '../src/logger.ts'
import { createTestMesh } from '../src/testing/index.ts'

async function pair(): Promise<{ node: Node; heard: string[]; join: () => Promise<Node> }> {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const node = await mesh.start()
  const heard: string[] = []
  node.on('peer-joined', ({ id, services }) =>
    heard.push(`joined ${id.toString()} ${services.join()}`),
  )
  node.on('peer-left', ({ id, services }) => heard.push(`left ${id.toString()} ${services.join()}`))
  node.on('services-changed', ({ peer, added, removed }) =>
    heard.push(
      `changed ${peer.id.toString()} ${peer.services.join()} +${added.join()} -${removed.join()}`,
    ),
  )
  return { node, heard, join: () => mesh.start({ services: { a: () => '1' } }) }
}

test('a node hears who joins, what that offers, and that it left, each once', async () => {
  const { node, heard, join } = await pair()
  const other = await join()
  const id = other.id.toString()
  await vi.waitFor(() => expect(heard).toEqual([`joined ${id} a`]))
  other.register('b', () => '2')
  await vi.waitFor(() => expect(heard.slice(1)).toEqual([`changed ${id} a,b +b -`]))
  other.unregister('a')
  await vi.waitFor(() => expect(heard.slice(2)).toEqual([`changed ${id} b + -a`]))
  await other.shutdown()
  await vi.waitFor(() => expect(heard.slice(3)).toEqual([`left ${id} `]))
  expect(node.peers()).toEqual([])
})

test('a listener that ends hears no more, and one that throws harms nobody', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const errors: unknown[] = []
  const note = (fields: object): void => void errors.push(fields)
  const node = await mesh.start({ logger: { ...silentLogger, error: note } })
  const heard: string[] = []
  const end = node.on('peer-joined', () => heard.push('ended'))
  node.on('peer-joined', () => {
    throw new Error('mine')
  })
  node.on('peer-joined', () => heard.push('second'))
  end()
  await mesh.start()
  await vi.waitFor(() => expect(heard).toEqual(['second']))
  expect(errors).toMatchObject([{ event: 'peer-joined', err: { message: 'mine' } }])
})

test('a listener of providers that throws ends no connection', async () => {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  const errors: unknown[] = []
  const note = (fields: object): void => void errors.push(fields)
  const node = await mesh.start({ logger: { ...silentLogger, error: note } })
  const left: unknown[] = []
  node.on('peer-left', (peer) => left.push(peer))
  node.watch('late', () => {
    throw new Error('mine')
  })
  const other = await mesh.start()
  other.register('late', () => '1')
  await vi.waitFor(() => expect(node.providersFor(['late'])).toHaveLength(1))
  expect(errors).toMatchObject([{ event: 'providers of late', err: { message: 'mine' } }])
  await (await node.call('late')).text()
  expect(left).toEqual([])
})
