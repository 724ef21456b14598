import { Reader } from '@flatend/wire'
import { type Channel, type ChannelOptions, openChannel } from '../channel.ts'
import type { Hello } from '../hello.ts'
import type { Link } from '../ports.ts'
import type { Suite } from '../suite/suite.ts'
import type { MemoryLink, WireOptions } from './memory-link.ts'
import { createLinkPair } from './memory-network.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a side heard, in order. */
export interface Heard {
  readonly seq: number
  readonly opcode: number
  readonly body: Uint8Array
}

/** Options of one side that differ from the other's. */
export interface PairSide
  extends Partial<Omit<ChannelOptions, 'link' | 'role' | 'suite' | 'clock'>> {
  /** Stands between the channel and its link: somebody on the way who changes what is sent. */
  readonly tap?: (link: Link) => Link
}

/** Options of {@link createChannelPair}. */
export interface PairOptions extends Omit<WireOptions, 'clock'> {
  readonly suite: Suite
  readonly clock: VirtualClock
  readonly dialer?: PairSide
  readonly listener?: PairSide
}

/** One side of a {@link ChannelPair}. */
export interface Side {
  readonly channel: Channel
  readonly link: MemoryLink
  /** The peer's hello, once open. */
  readonly hello: Hello | undefined
  /** Messages that came, their bodies copied. */
  readonly heard: readonly Heard[]
  readonly drains: number
  /** One entry for each onClose; more than one is a bug. */
  readonly closes: readonly (Error | undefined)[]
}

/** Two channels that talk to each other in memory. */
export interface ChannelPair {
  readonly dialer: Side
  readonly listener: Side
}

/** Opens a channel at both ends of a link in memory. Pass time to let them talk. */
export function createChannelPair(options: PairOptions): ChannelPair {
  const [a, b] = createLinkPair(options)
  return {
    dialer: openSide(options, { link: a, role: 'dialer', seed: 1 }),
    listener: openSide(options, { link: b, role: 'listener', seed: 2 }),
  }
}

interface Position {
  readonly link: MemoryLink
  readonly role: 'dialer' | 'listener'
  readonly seed: number
}

function openSide(options: PairOptions, { link, role, seed }: Position): Side {
  const { suite, clock } = options
  const heard: Heard[] = []
  const closes: (Error | undefined)[] = []
  const seen: { hello: Hello | undefined; drains: number } = { hello: undefined, drains: 0 }
  const { receiver, tap, ...own } = options[role] ?? {}
  const channel = openChannel({
    suite,
    clock,
    link: tap ? tap(link) : link,
    role,
    identity: suite.identity(new Uint8Array(32).fill(seed)),
    hello: { ephemeral: false, instance: seed, services: [] },
    defer: (task) => void clock.schedule(0, task),
    receiver: {
      onOpen(hello) {
        seen.hello = hello
        receiver?.onOpen(hello)
      },
      onMessage(seq: number, opcode: number, body: Reader) {
        const copy = body.rest().slice()
        heard.push({ seq, opcode, body: copy })
        receiver?.onMessage(seq, opcode, new Reader(copy))
      },
      onDrain() {
        seen.drains++
        receiver?.onDrain()
      },
      onClose(error) {
        closes.push(error)
        receiver?.onClose(error)
      },
    },
    ...own,
  })
  return {
    channel,
    link,
    heard,
    closes,
    get hello() {
      return seen.hello
    },
    get drains() {
      return seen.drains
    },
  }
}
