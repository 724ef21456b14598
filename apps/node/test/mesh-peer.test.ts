import { type Channel, openChannel } from '@flatend/monte'
import { createMemoryNetwork, createVirtualClock, seededRandom } from '@flatend/monte/memory'
import { nodeSuite } from '@flatend/monte/suite/node'
import type { Writer } from '@flatend/wire'
import { expect, onTestFinished, test } from 'vitest'
import { Node } from '../src/index.ts'

const WINDOW = 6
const DATA = 3
const CONNECTION = 0xffff_ffff
const none = (): void => undefined

/** Says something over a session of its own to a node; resolves with how the node ended that. */
async function endOf(opcode: number, write: (writer: Writer) => void): Promise<unknown> {
  const clock = createVirtualClock()
  const network = createMemoryNetwork({ clock, random: seededRandom(3), latency: 1 })
  const turning = setInterval(() => clock.advance(5), 1)
  const node = await Node.start({
    clock,
    bindAddrs: ['10.0.0.1:9000'],
    transport: {
      listen: async ({ host, port }, { onLink }) => network.listen({ host, port, onLink }),
      dial: async ({ host, port }) => network.dial({ host, port, from: '10.0.0.1' }),
    },
  })
  onTestFinished(async () => {
    await node.shutdown({ timeoutMs: 0 })
    clearInterval(turning)
  })
  const link = await network.dial({ host: '10.0.0.1', port: 9_000, from: '10.0.0.2' })
  return await new Promise((resolve) => {
    let channel: Channel | undefined
    const say = (): void => {
      if (!channel) return
      write(channel.begin(0, opcode))
      channel.end()
    }
    channel = openChannel({
      link,
      role: 'dialer',
      suite: nodeSuite,
      identity: nodeSuite.identity(nodeSuite.randomBytes(32)),
      hello: { ephemeral: true, instance: 1, services: [] },
      clock,
      defer: (task) => queueMicrotask(task),
      receiver: {
        onOpen: say,
        onMessage: none,
        onDrain: none,
        onClose: resolve,
      },
    })
  })
}

test('a peer that gives more credit than there is hears END 3, one that talks nonsense END 2', async () => {
  expect(await endOf(WINDOW, (writer) => writer.u32(CONNECTION).u32(0xffff_ffff))).toMatchObject({
    code: 'FLATEND_MONTE_ENDED',
    details: { code: 3 },
  })
  expect(await endOf(DATA, (writer) => writer.u8(1))).toMatchObject({
    code: 'FLATEND_MONTE_ENDED',
    details: { code: 2 },
  })
})
