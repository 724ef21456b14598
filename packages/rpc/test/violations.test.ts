import { RemoteProtocolError } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_RPC_LIMITS } from '../src/index.ts'
import {
  CONNECTION,
  DATA,
  data,
  GOAWAY,
  REQUEST,
  RESET_STREAM,
  RESPONSE,
  request,
  reset,
  response,
  WINDOW,
  window,
} from './support/messages.ts'
import { alone } from './support/parties.ts'

type Scene = ReturnType<typeof alone>

// The party is the listener: ids of the peer are odd, ours even. It has made call 2 before.
const breaks: readonly (readonly [string, string, (scene: Scene) => void])[] = [
  ['an even id from the dialer', 'FLATEND_RPC_STREAM_ID', ({ say }) => say(REQUEST, request(2))],
  [
    'an id used before',
    'FLATEND_RPC_STREAM_ID',
    ({ say }) => {
      say(REQUEST, request(5))
      say(REQUEST, request(5))
    },
  ],
  [
    'an id that falls',
    'FLATEND_RPC_STREAM_ID',
    ({ say }) => {
      say(REQUEST, request(5))
      say(REQUEST, request(3))
    },
  ],
  [
    'an id that falls, of a request that was refused',
    'FLATEND_RPC_STREAM_ID',
    ({ say }) => {
      say(REQUEST, request(5, [], 'nothing'))
      say(REQUEST, request(5))
    },
  ],
  [
    'the id that names the connection',
    'FLATEND_RPC_STREAM_ID',
    ({ say }) => say(REQUEST, request(CONNECTION)),
  ],
  ['DATA of no stream', 'FLATEND_RPC_UNKNOWN_STREAM', ({ say }) => say(DATA, data(1, 5))],
  [
    'DATA of a stream of ours that is not',
    'FLATEND_RPC_UNKNOWN_STREAM',
    ({ say }) => say(DATA, data(4, 5)),
  ],
  ['a response to nothing', 'FLATEND_RPC_UNKNOWN_STREAM', ({ say }) => say(RESPONSE, response(4))],
  ['RESET of no stream', 'FLATEND_RPC_UNKNOWN_STREAM', ({ say }) => say(RESET_STREAM, reset(1))],
  ['WINDOW of no stream', 'FLATEND_RPC_UNKNOWN_STREAM', ({ say }) => say(WINDOW, window(1, 5))],
  [
    'DATA after the end',
    'FLATEND_RPC_DATA_AFTER_END',
    ({ say }) => {
      say(REQUEST, request(1))
      say(DATA, data(1, 0))
      say(DATA, data(1, 1))
    },
  ],
  [
    'a second end',
    'FLATEND_RPC_DATA_AFTER_END',
    ({ say }) => {
      say(REQUEST, request(1))
      say(DATA, data(1, 0))
      say(DATA, data(1, 0))
    },
  ],
  [
    'a second response',
    'FLATEND_RPC_RESPONSE_TWICE',
    ({ say }) => {
      say(RESPONSE, response(2))
      say(RESPONSE, response(2))
    },
  ],
  [
    'data before a response',
    'FLATEND_RPC_NO_RESPONSE',
    ({ say }) => {
      say(DATA, data(2, 1))
    },
  ],
  [
    'an end before a response',
    'FLATEND_RPC_NO_RESPONSE',
    ({ say }) => {
      say(DATA, data(2, 0))
    },
  ],
  [
    'more credit than was used, of a stream',
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    ({ say }) => {
      say(REQUEST, request(1))
      say(WINDOW, window(1, 1))
    },
  ],
  [
    'more credit than was used, of the connection',
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    ({ say }) => say(WINDOW, window(CONNECTION, 0xffff_ffff)),
  ],
  [
    'a byte more than the credit of a stream',
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    ({ say, party }) => {
      party.greedy = false
      say(REQUEST, request(1))
      for (let left = 262_144; left > 0; left -= 65_000) say(DATA, data(1, Math.min(left, 65_000)))
      expect([party.last.length, party.violation]).toEqual([262_144, undefined])
      say(DATA, data(1, 1))
    },
  ],
  [
    'a byte more than the credit of the connection',
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    ({ say, party }) => {
      party.greedy = false
      for (let i = 0; i < 128; i++) {
        say(REQUEST, request(2 * i + 1))
        say(DATA, data(2 * i + 1, 32_768))
      }
      expect(party.violation).toBeUndefined()
      say(DATA, data(1, 1))
    },
  ],
  [
    'tiny pieces, more than 100 in a row',
    'FLATEND_RPC_TINY_DATA',
    ({ say, party }) => {
      say(REQUEST, request(1))
      // A piece of 16 bytes begins a new row.
      for (let i = 0; i < 100; i++) say(DATA, data(1, 15))
      say(DATA, data(1, 16))
      // One more for each tenth of a second, of which a message takes a hundredth.
      for (let i = 0; i < 100; i++) say(DATA, data(1, 1))
      expect(party.violation).toBeUndefined()
      for (let i = 0; i < 20; i++) say(DATA, data(1, 1))
    },
  ],
  [
    'too many headers',
    'FLATEND_RPC_HEADER_LIMIT',
    ({ say }) =>
      say(
        REQUEST,
        request(
          1,
          Array.from({ length: 258 }, () => 'x'),
        ),
      ),
  ],
  [
    'headers too large together',
    'FLATEND_RPC_HEADER_LIMIT',
    ({ say }) =>
      say(
        REQUEST,
        request(
          1,
          Array.from({ length: 10 }, () => 'x'.repeat(250)).flatMap((n) => [n, 'v'.repeat(8_000)]),
        ),
      ),
  ],
  [
    'a field that is no number',
    'FLATEND_RPC_FIELD',
    ({ say }) => say(REQUEST, request(1, [':timeout-ms', 'x'])),
  ],
  [
    'a name that is not UTF-8',
    'FLATEND_WIRE_UTF8',
    ({ say }) => say(REQUEST, (w) => w.u32(1).u8(1).lp8(Uint8Array.of(0xff)).u16(0)),
  ],
  [
    'bytes behind a message',
    'FLATEND_WIRE_TRAILING',
    ({ say }) => say(REQUEST, (w) => request(1)(w.u32(1).u8(0).u16(0))),
  ],
  ['half a message', 'FLATEND_WIRE_TRUNCATED', ({ say }) => say(GOAWAY, (w) => w.u16(0))],
]

describe('a peer breaks the rules by', () => {
  test.each(breaks)('%s (%s): every call fails, it is counted', (_, code, run) => {
    const scene = alone()
    const mine = scene.party.call({ timeoutMs: 3_600_000 })
    scene.clock.advance(1)
    run(scene)
    const { violation, stats } = scene.party
    expect(violation).toBeInstanceOf(RemoteProtocolError)
    expect(violation?.code).toBe(code)
    expect(mine.kind).toBe('disconnected')
    expect(stats.violations).toBe(1)
    expect(stats.flowViolations).toBe(code === 'FLATEND_RPC_FLOW_CONTROL_VIOLATED' ? 1 : 0)
    expect(scene.party.connection.idle).toBe(true)
  })
})

describe('what a peer may say', () => {
  test('of streams that are gone', () => {
    const scene = alone()
    const mine = scene.party.call()
    mine.handle.cancel()
    scene.say(RESPONSE, response(2))
    scene.say(DATA, data(2, 100))
    scene.say(WINDOW, window(2, 100))
    scene.say(DATA, data(2, 0))
    scene.say(RESET_STREAM, reset(2))
    expect([scene.party.violation, scene.party.stats.violations]).toEqual([undefined, 0])
  })

  test('opcodes of other layers are left to them', () => {
    const { party } = alone()
    const body = { remaining: 0 } as never
    for (const opcode of [0, 4, 7, 9, 0x10, 0xff]) {
      expect(party.connection.receive(opcode, body)).toBe(false)
    }
  })

  test('as much as it likes of requests it may not make: nothing stays of them', () => {
    const scene = alone({ both: { limits: { maxStreams: 1 } } })
    for (let i = 0; i < 1_000; i++) scene.say(REQUEST, request(2 * i + 1))
    expect([scene.party.received.length, scene.party.stats.refused]).toEqual([1, 999])
    expect(scene.party.violation).toBeUndefined()
  })
})

test('garbage gives nothing but RemoteProtocolErrors', () => {
  const opcode = fc.constantFrom(REQUEST, RESPONSE, DATA, RESET_STREAM, WINDOW, GOAWAY)
  // Ids that are often those of streams that are open.
  const id = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.nat(0xffff_ffff))
  const message = fc.tuple(opcode, id, fc.uint8Array({ maxLength: 40 }))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const { party, far, clock } = alone()
      const mine = [party.call(), party.call()]
      for (const [code, stream, rest] of messages) {
        const body = new Uint8Array(4 + rest.length)
        new DataView(body.buffer).setUint32(0, stream)
        body.set(rest, 4)
        far.send({ opcode: code, body })
      }
      clock.advance(DEFAULT_RPC_LIMITS.timeoutMs + 0xffff_ffff)
      expect(party.violation === undefined || party.violation instanceof RemoteProtocolError).toBe(
        true,
      )
      expect(mine.map(({ over, late }) => [over, late])).toEqual([
        [true, []],
        [true, []],
      ])
      party.end()
      expect([party.connection.idle, clock.pending]).toEqual([true, 0])
    }),
    { numRuns: 300 },
  )
})
