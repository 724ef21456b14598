import { type Channel, type ChannelReceiver, openChannel } from '@flatend/monte'
import { createLinkPair, createVirtualClock, seededRandom } from '@flatend/monte/memory'
import { nodeSuite } from '@flatend/monte/suite/node'
import { type ChannelEnd, channelContract, type MakeChannels } from '@flatend/rpc/contract'
import { expect, test } from 'vitest'

/** A session of monte over a link that cuts, joins and delays as it likes. */
const sessions: MakeChannels = (ends) => {
  const clock = createVirtualClock()
  const random = seededRandom(1)
  const [near, far] = createLinkPair({ clock, random, latency: [1, 5], chop: true })
  const closes: (Error | undefined)[] = []
  const hears = (end: ChannelEnd): ChannelReceiver => ({
    onOpen: () => undefined,
    onMessage: (_seq, opcode, body) => end.message(opcode, body),
    onDrain: () => end.drain(),
    onClose: (error) => void closes.push(error),
  })
  const open = (role: 'dialer' | 'listener'): Channel =>
    openChannel({
      link: role === 'dialer' ? near : far,
      role,
      clock,
      suite: nodeSuite,
      identity: nodeSuite.identity(new Uint8Array(32).fill(role.length)),
      hello: { ephemeral: true, instance: 1, services: [] },
      defer: (task) => void clock.schedule(0, task),
      receiver: hears(ends[role]),
      // The test sends more at once than a peer with 8 MiB of patience would take.
      limits: { maxQueued: 134_217_728 },
    })
  const [dialer, listener] = [open('dialer'), open('listener')]
  clock.advance(100)
  const close = (): void => {
    for (const channel of [dialer, listener]) channel.close()
    clock.advance(5_000)
    expect(closes).toEqual([undefined, undefined])
  }
  return { dialer, listener, settle: () => clock.advance(5_000), close }
}

test.each(channelContract)(
  'a session of monte keeps the contract of rpc: $name',
  async ({ run }) => {
    let made = 0
    await run((ends) => {
      made++
      return sessions(ends)
    })
    expect(made).toBe(1)
  },
)
