import { describe, expect, onTestFinished, test } from 'vitest'
import { createTestMesh, type TestMesh, type TestMeshOptions } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

function meshForTest(options?: TestMeshOptions): TestMesh {
  const mesh = createTestMesh(options)
  onTestFinished(() => mesh.shutdown())
  return mesh
}

describe('a mesh in memory', () => {
  test('services are found and called, whoever joined first', async () => {
    const mesh = meshForTest()
    const caller = await mesh.start()
    await mesh.start({ services: { hello: () => 'Hello world!' } })
    await mesh.start({ services: { echo: (ctx) => ctx.pipe(ctx) } })
    await waitFor(() => expect(caller.peers()).toHaveLength(2))
    expect(await (await caller.call('hello')).text()).toBe('Hello world!')
    expect(await (await caller.call('echo', 'again')).text()).toBe('again')
  })

  test('long bodies pass both ways in spite of latency', async () => {
    const mesh = meshForTest({ latencyMs: [1, 4] })
    await mesh.start({ services: { echo: (ctx) => ctx.pipe(ctx) } })
    const caller = await mesh.start()
    const body = Buffer.alloc(1_000_000, 'flatend ')
    expect((await (await caller.call('echo', body)).bytes()).equals(body)).toBe(true)
  })

  test('the body of a handler that iterates is whole, and it still answers', async () => {
    const mesh = meshForTest()
    const node = await mesh.start({
      services: {
        count: async (ctx) => {
          let bytes = 0
          for await (const chunk of ctx) bytes += chunk.length
          return String(bytes)
        },
        first: async (ctx) => {
          for await (const chunk of ctx) return `at least ${chunk.length > 0}`
          return 'nothing'
        },
      },
    })
    const body = Buffer.alloc(1_500_000)
    expect(await (await node.call('count', body)).text()).toBe('1500000')
    const caller = await mesh.start()
    expect(await (await caller.call('count', body)).text()).toBe('1500000')
    expect(await (await caller.call('first', body)).text()).toBe('at least true')
    await waitFor(() => expect(caller.peers()).toHaveLength(1))
  })

  test('both halves of a partition serve what they have, and meet again', async () => {
    const mesh = meshForTest()
    const a = await mesh.start({ services: { left: () => 'left' } })
    const b = await mesh.start({ services: { right: () => 'right' } })
    mesh.partition([[a], [b]])
    expect(await (await a.call('left')).text()).toBe('left')
    expect(await (await b.call('right')).text()).toBe('right')
    await expect(a.call('right', undefined, { timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'deadline',
    })
    mesh.heal()
    await waitFor(async () => expect(await (await a.call('right')).text()).toBe('right'))
  })
})
