import type { Reader } from '@flatend/wire'
import type { Channel } from '../ports.ts'

/** Hears what arrives at one end. */
export interface ChannelEnd {
  /** A message of the other end. `body` is read before this returns. */
  message(opcode: number, body: Reader): void
  /** `writable` is true again. */
  drain(): void
}

/** Two channels that are connected and open. */
export interface ChannelPair {
  readonly dialer: Channel
  readonly listener: Channel
  /** Waits until all that was sent, also while waiting, has arrived. */
  settle(): void | Promise<void>
  /** Lets go of whatever the channels hold. */
  close?(): void | Promise<void>
}

/** Makes connected channels, each of which tells its end of what arrives there. */
export type MakeChannels = (ends: {
  readonly dialer: ChannelEnd
  readonly listener: ChannelEnd
}) => ChannelPair | Promise<ChannelPair>

/** One demand. */
export interface ContractCase {
  readonly name: string
  /** @throws Error that says what was wrong; rejects with whatever `make` or the channels throw */
  readonly run: (make: MakeChannels) => Promise<void>
}

/** What arrived at an end, in a form that can be kept. */
export class Heard implements ChannelEnd {
  readonly opcodes: number[] = []
  /** Views, not copies: they must stay as they were. */
  readonly bodies: Uint8Array[] = []
  drains = 0
  whenHeard: () => void = () => undefined

  message(opcode: number, body: Reader): void {
    this.opcodes.push(opcode)
    this.bodies.push(body.rest())
    this.whenHeard()
  }

  drain(): void {
    this.drains++
  }
}

/** A pair and what its ends heard. */
export interface Scene extends ChannelPair {
  readonly atDialer: Heard
  readonly atListener: Heard
}

/** A case over channels that carry any messages. */
export function messageCase(name: string, play: (scene: Scene) => Promise<void>): ContractCase {
  return {
    name,
    run: async (make) => {
      const [atDialer, atListener] = [new Heard(), new Heard()]
      const pair = await make({ dialer: atDialer, listener: atListener })
      const { dialer, listener } = pair
      try {
        await play({ dialer, listener, atDialer, atListener, settle: () => pair.settle() })
      } finally {
        await pair.close?.()
      }
    },
  }
}

/** Sends one message. */
export function say(channel: Channel, opcode: number, payload?: Uint8Array): void {
  channel.begin(0, opcode)
  channel.end(payload)
}

/** @throws Error unless `condition` holds */
export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the channel breaks its contract: ${what}`)
}

/** @throws Error unless both hold the same bytes */
export function demandBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array,
  what: string,
): void {
  demand(
    actual?.length === expected.length,
    `${what}: ${actual?.length} bytes, not ${expected.length}`,
  )
  const at = expected.findIndex((byte, i) => byte !== actual[i])
  demand(at === -1, `${what}: the byte at ${at} is another`)
}

/** Bytes that differ from place to place, and by `seed`. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed
  return bytes
}
