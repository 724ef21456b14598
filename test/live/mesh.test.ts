import { generateSecretKey, Node } from '@flatend/node'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

/** Nodes of the large mesh; it takes a minute. */
const LARGE = Number(process.env['FLATEND_LIVE_NODES'] ?? 0)
/** All are of one host. */
const admission = { maxHalfOpen: 4_096, maxHalfOpenPerHost: 4_096 }

const running: Node[] = []
const serviceOf = (index: number): string => `service-${index}`

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.shutdown({ timeoutMs: 0 })))
})

async function start(index: number, addrs: readonly string[]): Promise<Node> {
  const node = await Node.start({
    secretKey: generateSecretKey(),
    bindAddrs: ['127.0.0.1:0'],
    addrs: [...addrs],
    services: { [serviceOf(index)]: () => serviceOf(index) },
    limits: { admission },
  })
  running.push(node)
  return node
}

function known(node: Node): number {
  return new Set(node.peers().flatMap(({ services }) => services)).size
}

/** Nodes that start at once and join through the first. */
async function startMesh(count: number): Promise<readonly Node[]> {
  const first = await start(0, [])
  const addrs = [first.address as string]
  return [
    first,
    ...(await Promise.all(Array.from({ length: count - 1 }, (_, i) => start(i + 1, addrs)))),
  ]
}

test('32 nodes over TCP know each service, and call it', { timeout: 120_000 }, async () => {
  const nodes = await startMesh(32)
  const all = await eventually(
    async () => await Promise.resolve(nodes.every((n) => known(n) === 31)),
  )
  expect(all).toBe(true)
  for (const [i, node] of nodes.entries()) {
    const service = serviceOf((i + 7) % nodes.length)
    expect(await (await node.call(service)).text()).toBe(service)
  }
})

test('in a mesh too large to know everybody a service is found and called', {
  timeout: 600_000,
}, async (ctx) => {
  skipUnless(ctx, {
    met: LARGE > 0,
    what: 'a live mesh of more than 64 nodes',
    reason: 'it takes a minute; set FLATEND_LIVE_NODES=128',
  })
  const nodes = await startMesh(LARGE)
  for (let i = 0; i < 200; i++) {
    const node = nodes[(i * 7) % nodes.length] as Node
    const service = serviceOf((i * 31 + 5) % nodes.length)
    const found = await eventually(async () => (await node.resolve(service)).length > 0)
    expect(found || node.services().includes(service)).toBe(true)
    expect(await (await node.call(service)).text()).toBe(service)
  }
})
