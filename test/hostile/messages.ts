import { expect } from 'vitest'
import { CONTROL_KINDS, DISCOVERY_KINDS, RPC_KINDS } from '../fuzz/support/messages.ts'
import { mutated, Random } from '../fuzz/support/mutate.ts'
import { dialHostile, eachOf, type Hostile, Tally } from './support/peers.ts'
import type { Storm } from './support/storm.ts'

const PING = 7
const MESSAGES = 10_000
/** A connection is left after so many that it was not ended for. */
const OF_ONE = 20
const ABREAST = 3
const KINDS = [...RPC_KINDS, ...DISCOVERY_KINDS, ...CONTROL_KINDS]
const SEED = Number(process.env['FLATEND_FUZZ_SEED'] ?? 1)

/** Waits until the node has read what was said: it answers a PING behind it, or ended us. */
async function heard({ peer: { channel } }: Hostile): Promise<void> {
  await new Promise<void>((resolve) => {
    channel.request(
      PING,
      (writer) => writer.u64(1n),
      () => resolve(),
    )
  })
}

/** Says mutated messages, one after the other, until it is ended. @returns how many */
async function speak(hostile: Hostile, random: Random, most: number): Promise<number> {
  let said = 0
  for (; said < most && hostile.ending === undefined; said += 1) {
    const { opcode, bodies } = random.pick(KINDS)
    const seq = random.chance(0.3) ? random.u32() : 0
    hostile.peer.channel.begin(seq, opcode).bytes(mutated(random, bodies))
    hostile.peer.channel.end()
    await heard(hostile)
  }
  return said
}

const mutations: Storm = {
  id: 'mutated-messages',
  title: `${MESSAGES} authenticated messages of every opcode, mutated`,
  async run(port) {
    const random = new Random(SEED)
    const endings = new Tally()
    let left = MESSAGES
    let connections = 0
    await eachOf(ABREAST, ABREAST, async () => {
      while (left > 0) {
        const hostile = await dialHostile(port)
        if (!hostile) continue
        connections += 1
        const said = await speak(hostile, random, Math.min(left, OF_ONE))
        left -= said
        if (hostile.ending === undefined) hostile.peer.channel.close()
        await hostile.peer.closed
        endings.add(hostile.ending ?? 'left')
      }
    })
    expect(endings.counts['END 2']).toBeGreaterThan(MESSAGES / OF_ONE)
    expect(Object.keys(endings.counts).filter((ending) => !EXPECTED.test(ending))).toEqual([])
    return { connections, endings: endings.counts }
  },
}

/** A mutated END may be one, and a mutated WINDOW too much. */
const EXPECTED = /^(END 2|END 3|orderly|left)$/

export const messages: readonly Storm[] = [mutations]
