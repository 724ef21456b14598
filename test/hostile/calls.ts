import type { Writer } from '@flatend/wire'
import { expect } from 'vitest'
import { eventually } from '../support/processes.ts'
import {
  createPace,
  dialHostile,
  eachOf,
  endingOf,
  flood,
  type Hostile,
  say,
  Tally,
} from './support/peers.ts'
import type { Storm } from './support/storm.ts'

const REQUEST = 1
const DATA = 3
const RESET = 5

async function entered(port: number): Promise<Hostile> {
  const hostile = await dialHostile(port)
  if (!hostile) throw new Error('the node did not let the peer in')
  return hostile
}

const answered = ({ peer }: Hostile, opcode: number): number =>
  peer.heard.filter((message) => message.opcode === opcode).length

const LEFT_CONNECTIONS = 20
const LEFT_STREAMS = 300
const STREAMS = 256

const left: Storm = {
  id: 'calls-left-open',
  title: `${LEFT_STREAMS} calls on each of ${LEFT_CONNECTIONS} connections, left as they are`,
  async run(port) {
    let refused = 0
    const pace = createPace()
    await eachOf(LEFT_CONNECTIONS, 4, async () => {
      await pace()
      const hostile = await entered(port)
      for (let i = 0; i < LEFT_STREAMS; i += 1)
        say(hostile, REQUEST, (writer) =>
          writer
            .u32(2 * i + 1)
            .u8(1)
            .text8('wait')
            .u16(0),
        )
      await eventually(() => answered(hostile, RESET) >= LEFT_STREAMS - STREAMS)
      refused += answered(hostile, RESET)
      hostile.socket.resetAndDestroy()
    })
    expect(refused).toBe(LEFT_CONNECTIONS * (LEFT_STREAMS - STREAMS))
    return { refused }
  },
}

const UNREAD_CONNECTIONS = 8

const unread: Storm = {
  id: 'answers-not-read',
  title: `Large answers on ${UNREAD_CONNECTIONS} connections that read nothing`,
  async run(port) {
    const endings = new Tally()
    const pace = createPace()
    await eachOf(UNREAD_CONNECTIONS, UNREAD_CONNECTIONS, async () => {
      await pace()
      const hostile = await entered(port)
      hostile.socket.pause()
      for (let i = 0; i < 64; i += 1) {
        const stream = 2 * i + 1
        say(hostile, REQUEST, (writer) => {
          writer.u32(stream).u8(1).text8('big').u16(1).text8('bytes').text16('10000000')
        })
        say(hostile, DATA, (writer) => writer.u32(stream).u16(0))
      }
      await new Promise((resolve) => setTimeout(resolve, STALL))
      hostile.socket.resume()
      endings.add(await endingOf(hostile, 500))
    })
    // What the credit allows may fit into the buffers of the system: then nothing waits in the node.
    expect(
      Object.keys(endings.counts).filter((name) => !/^(FLATEND_MONTE_TRUNCATED|left)$/.test(name)),
    ).toEqual([])
    return { endings: endings.counts }
  },
}

/** A peer that takes nothing is ended after 10 s (protocol §4). */
const STALL = 12_000

const HEADER_CONNECTIONS = 4
const HEADER_CALLS = 200

/** 127 headers of 252 bytes: as many bytes as there may be, nearly. */
function headers(writer: Writer, { stream, count }: { stream: number; count: number }): void {
  writer.u32(stream).u8(1).text8('hello').u16(count)
  for (let i = 0; i < count; i += 1) writer.text8(`h${i}`).text16('x'.repeat(245))
}

const allowed: Storm = {
  id: 'largest-headers',
  title: `${HEADER_CALLS} calls with the largest headers on each of ${HEADER_CONNECTIONS} connections`,
  async run(port) {
    const pace = createPace()
    await eachOf(HEADER_CONNECTIONS, HEADER_CONNECTIONS, async () => {
      await pace()
      const hostile = await entered(port)
      const send = (i: number): void => {
        const stream = 2 * i + 1
        say(hostile, REQUEST, (writer) => headers(writer, { stream, count: 127 }))
        say(hostile, DATA, (writer) => writer.u32(stream).u16(0))
      }
      await flood(hostile, send, { most: HEADER_CALLS, atOnce: 4 })
      await eventually(() => answered(hostile, 2) === HEADER_CALLS)
      hostile.peer.channel.close()
      await hostile.peer.closed
    })
    return { calls: HEADER_CALLS * HEADER_CONNECTIONS }
  },
}

const OVER_CONNECTIONS = 60

const over: Storm = {
  id: 'headers-over-the-limit',
  title: `One header too many, on ${OVER_CONNECTIONS} connections`,
  async run(port) {
    const endings = new Tally()
    const pace = createPace()
    await eachOf(OVER_CONNECTIONS, 8, async () => {
      await pace()
      const hostile = await entered(port)
      say(hostile, REQUEST, (writer) => headers(writer, { stream: 1, count: 129 }))
      endings.add(await endingOf(hostile))
    })
    expect(endings.counts).toEqual({ 'END 2': OVER_CONNECTIONS })
    return { endings: endings.counts }
  },
}

export const calls: readonly Storm[] = [left, unread, allowed, over]
