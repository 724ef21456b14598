import type { Reader } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { type ChannelPair, channelContract, type MakeChannels } from '../src/contract/index.ts'
import { LoopbackChannel } from '../src/loopback-channel.ts'
import { channelPair, type MemoryChannel } from './support/memory-channel.ts'
import { VirtualClock } from './support/virtual-clock.ts'

const memory =
  (version: 1 | 2, change: (channel: MemoryChannel) => void = () => undefined): MakeChannels =>
  (ends) => {
    const clock = new VirtualClock()
    const [dialer, listener] = channelPair({ clock, version, highWaterMark: 262_144 })
    for (const [channel, end] of [
      [dialer, ends.dialer],
      [listener, ends.listener],
    ] as const) {
      channel.deliver = (opcode, body) => end.message(opcode, body)
      channel.onDrain = () => end.drain()
      change(channel)
    }
    return { dialer, listener, settle: () => clock.advance(1_000) }
  }

const broken = (error: Error): never => {
  throw error
}

const looped: MakeChannels = (ends) => {
  const tasks: (() => void)[] = []
  const defer = (task: () => void) => void tasks.push(task)
  const [dialer, listener] = [new LoopbackChannel(true, defer), new LoopbackChannel(false, defer)]
  dialer.attach((opcode, body) => ends.listener.message(opcode, body), broken)
  listener.attach((opcode, body) => ends.dialer.message(opcode, body), broken)
  const settle = (): void => {
    for (let task = tasks.shift(); task; task = tasks.shift()) task()
  }
  return { dialer, listener, settle }
}

describe.each([
  ['memory, v2', memory(2)],
  ['memory, v1', memory(1)],
  ['loopback', looped],
] as const)('%s', (_, make) => {
  test.each(channelContract)('$name', async ({ run }) => {
    let made = 0
    const counted: MakeChannels = (ends) => {
      made++
      return make(ends)
    }
    await run(counted)
    expect(made).toBe(1)
  })
})

/** The cases that a channel fails. */
async function failures(make: MakeChannels): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of channelContract) {
    await run(make).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error
      failed.push(name)
    })
  }
  return failed
}

describe('the contract is broken by a channel that', () => {
  const wrong: readonly (readonly [string, string, MakeChannels])[] = [
    [
      'swaps messages',
      'in order',
      memory(2, (channel) => {
        const { deliver } = channel
        let kept: [number, Reader] | undefined
        channel.deliver = (opcode, body) => {
          if (!kept) {
            kept = [opcode, body]
            return
          }
          const [first, second] = [kept, [opcode, body] as [number, Reader]]
          kept = undefined
          deliver(...second)
          deliver(...first)
        }
      }),
    ],
    [
      'cuts what does not fit',
      'whole or throws',
      memory(2, (channel) => {
        const end = channel.end.bind(channel)
        channel.end = (payload) => end(payload?.subarray(0, 65_000))
      }),
    ],
    [
      'throws something of its own',
      'LocalProtocolError',
      memory(2, (channel) => {
        const end = channel.end.bind(channel)
        channel.end = (payload) => {
          try {
            end(payload)
          } catch {
            throw new RangeError('too large')
          }
        }
      }),
    ],
    [
      'reuses its buffer',
      'views',
      memory(2, (channel) => {
        const shared = new Uint8Array(131_072)
        const { deliver } = channel
        channel.deliver = (opcode, body) => {
          const bytes = body.rest()
          shared.set(bytes)
          body.reset(shared, 0, bytes.length)
          deliver(opcode, body)
        }
      }),
    ],
    ['never says drain', 'drain', memory(2, (channel) => void (channel.onDrain = () => undefined))],
    [
      'sends what was aborted',
      'aborted',
      memory(2, (channel) => void (channel.abort = () => channel.end())),
    ],
    [
      'loses what comes while it is paused',
      'paused',
      memory(1, (channel) => {
        channel.take = ({ opcode, body }) => {
          if (!channel.paused) channel.deliver(opcode, { rest: () => body } as Reader)
        }
      }),
    ],
    [
      'dialed at both ends',
      'one end dialed',
      (ends) => {
        const pair = memory(2)(ends) as ChannelPair
        return { ...pair, listener: pair.dialer }
      },
    ],
  ]

  test.each(wrong)('%s', async (_, word, make) => {
    const failed = await failures(make)
    expect(failed.some((name) => name.includes(word))).toBe(true)
  })
})
