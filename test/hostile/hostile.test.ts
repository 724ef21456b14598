import { setPriority } from 'node:os'
import { beforeAll, describe, expect, test } from 'vitest'
import { closeSocketsAfterwards } from '../attacks/support/sockets.ts'
import { stopProcessesAfterwards } from '../support/processes.ts'
import { calls } from './calls.ts'
import { floods } from './floods.ts'
import { messages } from './messages.ts'
import { sockets } from './sockets.ts'
import { Scene } from './support/scene.ts'

stopProcessesAfterwards()
closeSocketsAfterwards()

let scene: Scene

beforeAll(async () => {
  // The attackers are elsewhere: what they do must not take time from the node they attack.
  setPriority(19)
  scene = await Scene.start()
  process.stdout.write(`at first: ${JSON.stringify(await scene.remember())}\n`)
})

describe('a storm neither breaks nor slows a node, and leaves nothing behind', () => {
  test.for([...floods, ...calls, ...sockets, ...messages])(
    '$id: $title',
    { timeout: 600_000 },
    async ({ id, ...storm }) => {
      const measured = await scene.endure(async () => await storm.run(scene.port))
      const { descriptors, sessions, streams, timers, heap } = await scene.recovered()
      const held = { descriptors, sessions, streams, timers, heapKiB: Math.round(heap / 1_024) }
      process.stdout.write(`${id}: ${JSON.stringify({ ...measured, held })}\n`)
      expect(measured.storm.failed).toBe(0)
    },
  )

  // Some last for half a minute, for instance those of addresses that a goodbye named.
  test('the timers of all of them are given back', { timeout: 600_000 }, async () => {
    const last = await scene.calmed()
    process.stdout.write(`at last: ${JSON.stringify(last)}\n`)
    expect(last).toMatchObject({ sessions: 1, streams: 0 })
  })
})
