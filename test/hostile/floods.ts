import type { Writer } from '@flatend/wire'
import { expect } from 'vitest'
import {
  ask,
  createPace,
  dialHostile,
  eachOf,
  endingOf,
  flood,
  type Hostile,
  say,
  Tally,
} from './support/peers.ts'
import type { Figures } from './support/scene.ts'
import type { Storm } from './support/storm.ts'

const REQUEST = 1
const DATA = 3
const RESET = 5
const WINDOW = 6
const PING = 7
const FIND_NODE2 = 0x10
const SERVICES = 0x16
const PEERS = 0x17
const LEAVE = 0x18
const DIAL_BACK = 0x1d
const UNKNOWN = 0x7f

/** Hostile connections of a storm, one after the other but for a few. */
const CONNECTIONS = 20
const ABREAST = 4
/** More than any limit allows. */
const MOST = 200_000
const KEY = new Uint8Array(32)

function requested(service: string, stream: number): (writer: Writer) => void {
  return (writer) => writer.u32(stream).u8(1).text8(service).u16(0)
}

/** A flood, and how each of its connections has to end. */
interface FloodPlan {
  readonly id: string
  readonly title: string
  readonly ending: string
  readonly reason: RegExp
  /** Messages in a turn. @default 200 */
  readonly atOnce?: number
  readonly send: (hostile: Hostile, i: number) => void
  /** Reads none of what it is answered. */
  readonly deaf?: boolean
}

function stormOf({ id, title, ending, reason, atOnce = 200, send, deaf }: FloodPlan): Storm {
  return {
    id,
    title,
    async run(port): Promise<Figures> {
      const endings = new Tally()
      let messages = 0
      let said = ''
      const pace = createPace()
      await eachOf(CONNECTIONS, ABREAST, async () => {
        await pace()
        const hostile = await dialHostile(port)
        if (!hostile) throw new Error('the node did not let the peer in')
        if (deaf) hostile.socket.pause()
        messages += await flood(hostile, (i) => send(hostile, i), { most: MOST, atOnce })
        if (deaf) hostile.socket.resume()
        endings.add(await endingOf(hostile))
        said = hostile.reason
      })
      expect(endings.counts).toEqual({ [ending]: CONNECTIONS })
      expect(said).toMatch(reason)
      return { messages, endings: endings.counts, said }
    },
  }
}

const streamOf = (i: number): number => 2 * i + 1

const plans: readonly FloodPlan[] = [
  {
    id: 'reset-flood',
    title: 'Calls that are cancelled as soon as they are made',
    ending: 'END 2',
    reason: /resets streams too fast/,
    send: (hostile, i) => {
      const stream = streamOf(i)
      say(hostile, REQUEST, requested('wait', stream))
      say(hostile, RESET, (writer) => writer.u32(stream).u16(0).u16(0))
    },
  },
  {
    id: 'ping-flood',
    title: 'Pings without end',
    ending: 'END 2',
    reason: /pings more than/,
    send: (hostile) => ask(hostile, PING, (writer) => writer.u64(1n)),
  },
  {
    id: 'empty-data',
    title: 'Empty DATA on calls that are over',
    ending: 'END 2',
    reason: /messages that do nothing/,
    send: (hostile, i) => {
      if (i === 0) {
        say(hostile, REQUEST, requested('hello', 1))
        say(hostile, DATA, (writer) => writer.u32(1).u16(0))
      } else say(hostile, DATA, (writer) => writer.u32(1).u16(0))
    },
  },
  {
    id: 'window-of-nothing',
    title: 'WINDOW messages that give nothing',
    ending: 'END 2',
    reason: /messages that do nothing/,
    send: (hostile) => say(hostile, WINDOW, (writer) => writer.u32(0xffff_ffff).u32(0)),
  },
  {
    id: 'window-overflow',
    title: 'More credit than was used',
    ending: 'END 3',
    reason: /credit/,
    send: (hostile) => say(hostile, WINDOW, (writer) => writer.u32(0xffff_ffff).u32(0xffff_ffff)),
  },
  {
    id: 'services-flood',
    title: 'Services that come and go',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    atOnce: 20,
    send: (hostile, i) =>
      say(hostile, SERVICES, (writer) => {
        writer.u64(BigInt(i))
        for (const list of [i, i - 1]) {
          writer.u16(200)
          for (let name = 0; name < 200; name += 1) writer.text8(`${list % 2}-${name}`)
        }
      }),
  },
  {
    id: 'leave-flood',
    title: 'Goodbyes that name 64 addresses each',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    atOnce: 50,
    send: (hostile, i) =>
      say(hostile, LEAVE, (writer) => {
        writer.u8(64)
        for (let n = 0; n < 64; n += 1) {
          writer.bytes(KEY.with(0, n).with(1, i & 0xff)).u8(0)
          // Nobody listens there, on this machine.
          writer
            .bytes(Uint8Array.of(127, 0, 0, 1))
            .u16(1 + n)
            .u8(1)
        }
      }),
  },
  {
    id: 'unread-find-node',
    title: 'Questions for nodes whose answers are not read',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    deaf: true,
    send: (hostile) => ask(hostile, FIND_NODE2, (writer) => writer.bytes(KEY).u8(32).u8(0)),
  },
  {
    id: 'unread-peers',
    title: 'Questions for peers whose answers are not read',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    deaf: true,
    send: (hostile) => ask(hostile, PEERS, (writer) => writer.u8(0)),
  },
  {
    id: 'dial-back-flood',
    title: 'Requests to be dialed back',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    // Nobody listens there, on this machine.
    send: (hostile, i) => ask(hostile, DIAL_BACK, (writer) => writer.u16(1 + (i % 1_000))),
  },
  {
    id: 'unknown-opcodes',
    title: 'Messages of no known opcode',
    ending: 'END 2',
    reason: /messages a second that are no calls/,
    send: (hostile, i) => (i % 2 ? say : ask)(hostile, UNKNOWN, (writer) => writer.u8(0)),
  },
]

export const floods: readonly Storm[] = plans.map(stormOf)
