import { encodeRecord, RECORD } from '@flatend/gateway'
import { expect, test } from 'vitest'
import { BodyQueue } from '../src/body-queue.ts'
import { ServiceWebSocket } from '../src/web-socket.ts'

test.each([0, 1, 1_000])(
  'messages of %i bytes nobody reads give their client no credit, and all are there later',
  async (size) => {
    let credit = 0
    const queue = new BodyQueue({
      consumed: (bytes) => {
        credit += bytes
      },
      refused: () => {},
      threw: () => {},
    })
    const call = { queue, write: () => true, end: () => {} }
    const socket = new ServiceWebSocket(call, '')
    const record = encodeRecord(RECORD.binary, new Uint8Array(size))
    const count = 10_000
    for (let i = 0; i < count; i++) queue.push(record)
    const ahead = credit
    expect(ahead).toBeLessThanOrEqual(65_536 + record.length)
    expect(ahead).toBeLessThan(count * record.length)
    queue.close()
    let read = 0
    for await (const message of socket) read += message.length === size ? 1 : 0
    expect([read, credit]).toEqual([count, count * record.length])
  },
)
