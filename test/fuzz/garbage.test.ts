import { describe, expect, test } from 'vitest'
import { freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'
import { Bombardment, dialPlain, type Speech } from './support/bombardment.ts'

stopProcessesAfterwards()

/** How many inputs the port gets; FLATEND_FUZZ multiplies it. */
const ROUNDS = 1_500 * Number(process.env['FLATEND_FUZZ'] ?? 1)

/** A key of either version, then packets whose lengths lie, or noise alone. */
const meshGarbage: Speech = (random) => {
  const kind = random.below(6)
  if (kind === 0) return [random.bytes(random.below(2_000))]
  const key = random.bytes(32)
  // The top bit of the last byte offers version 2.
  key[31] = kind % 2 === 0 ? (key[31] as number) | 0x80 : (key[31] as number) & 0x7f
  if (kind === 1) key.fill(0)
  const pieces: Uint8Array[] = [key]
  for (let i = random.below(4); i > 0; i -= 1) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(random.pick([0, 1, 15, 16, 17, 100, 16_384, 16_385, 65_537, 0xffff_ffff]))
    pieces.push(length, random.bytes(random.below(300)))
  }
  return random.chance(0.3) ? [Buffer.concat(pieces)] : pieces
}

describe.each([false, true])('garbage at a node, legacy %s', { timeout: 120_000 }, (legacy) => {
  test('it lives, and good peers go on', async () => {
    const port = await freePort()
    const node = await startNode({
      legacy,
      publicAddr: `127.0.0.1:${port}`,
      services: ['pipe', 'hello'],
    })
    const friend = await startNode({ addrs: [`127.0.0.1:${port}`] })
    const bombs = new Bombardment({ dial: dialPlain(port), speech: meshGarbage, rounds: ROUNDS })
    let calls = 0
    do {
      expect(await friend.call({ services: ['pipe'], text: 'still here' })).toMatchObject({
        text: 'still here',
      })
      calls += 1
    } while (bombs.going)
    await bombs.done
    expect(calls).toBeGreaterThan(1)
    expect(node.process.alive).toBe(true)
    const newcomer = await startNode({ addrs: [`127.0.0.1:${port}`] })
    expect(await newcomer.call({ services: ['hello'] })).toMatchObject({ text: 'Hello world!' })
  })
})
