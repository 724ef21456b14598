import { LocalProtocolError } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVirtualClock, type Side, seededRandom } from '../src/memory/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { stablelibSuite } from '../src/suite/stablelib.ts'
import {
  bodies,
  closeCodes,
  OPCODE,
  openedPair,
  openScripted,
  pair,
  ScriptedLink,
  say,
  tapped,
} from './support/channels.ts'
import { localCode } from './support/sessions.ts'

function broken(): never {
  throw new LocalProtocolError('X', 'x')
}

describe('messages', () => {
  test.each([nodeSuite, stablelibSuite])('go both ways, with requests and replies', (suite) => {
    const { clock, dialer, listener } = openedPair({ suite })
    const replies: unknown[] = []
    dialer.channel.request(
      OPCODE,
      (writer) => writer.text8('who?'),
      (status, body) => replies.push([status, body?.text8()]),
    )
    clock.advance(10)
    const [request] = listener.heard
    expect(request).toMatchObject({ seq: 1, opcode: OPCODE })
    listener.channel.reply(request?.seq ?? 0, 3, (writer) => writer.text8('me'))
    clock.advance(10)
    expect(replies).toEqual([[3, 'me']])
    say(listener, Uint8Array.of(1, 2))
    clock.advance(10)
    expect(bodies(dialer)).toEqual([[1, 2]])
  })

  test('of one tick are one write', () => {
    const writes: number[] = []
    const count = (chunks: readonly Uint8Array[]) => {
      writes.push(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
    }
    const { clock, dialer, listener } = openedPair({
      dialer: { tap: (link) => tapped(link, count) },
    })
    writes.length = 0
    for (let i = 0; i < 32; i++) say(dialer, Uint8Array.of(i))
    expect(writes).toEqual([])
    clock.advance(10)
    expect(writes).toEqual([4 + 32 * 10 + 16])
    expect(bodies(listener)).toEqual(Array.from({ length: 32 }, (_, i) => [i]))
  })

  test('are whole and in order over links that cut, join and delay as they like', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 65_000 })), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(sizes, fc.integer(), (lengths, seed) => {
        const random = seededRandom(seed)
        const latency = [0, 30] as const
        const { clock, dialer, listener } = openedPair({ random, latency, chop: true })
        for (const [i, length] of lengths.entries()) {
          say(dialer, new Uint8Array(length).fill(i))
          if (random() < 0.3) clock.advance(random() * 20)
        }
        dialer.channel.close()
        clock.run(10_000)
        expect(listener.heard.map(({ body }) => body.length)).toEqual(lengths)
        expect(listener.heard.every(({ body }, i) => body.every((byte) => byte === i))).toBe(true)
        expect([...closeCodes(dialer), ...closeCodes(listener)]).toEqual([undefined, undefined])
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  test('before the opening are refused, and close or cut then ends it', () => {
    const { clock, dialer, listener } = pair()
    expect(dialer.channel.writable).toBe(false)
    expect(localCode(() => dialer.channel.begin(0, OPCODE))).toBe('FLATEND_MONTE_NOT_OPEN')
    expect(localCode(() => dialer.channel.peer)).toBe('FLATEND_MONTE_NOT_OPEN')
    dialer.channel.close()
    clock.run()
    expect(closeCodes(dialer)).toEqual([undefined])
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_HANDSHAKE_REFUSED'])
  })

  test('after the end go nowhere, and nothing throws', () => {
    const { clock, dialer, listener } = openedPair()
    dialer.channel.close()
    for (let round = 0; round < 2; round++) {
      let status = 0
      say(dialer, new Uint8Array(100))
      dialer.channel.reply(2, 0)
      dialer.channel.abort()
      dialer.channel.flush()
      dialer.channel.request(
        OPCODE,
        () => undefined,
        (code) => (status = code),
      )
      expect(dialer.channel.writable).toBe(false)
      clock.run()
      expect(status).toBe(-1)
    }
    expect(listener.heard).toEqual([])
    dialer.channel.destroy()
    dialer.channel.close()
    expect([dialer.closes.length, listener.closes.length]).toEqual([1, 1])
  })

  test('a writer that throws leaves no trace', () => {
    const { clock, dialer, listener } = openedPair()
    expect(localCode(() => dialer.channel.request(OPCODE, broken, () => undefined))).toBe('X')
    say(dialer, Uint8Array.of(1))
    clock.advance(10)
    expect(bodies(listener)).toEqual([[1]])
  })
})

describe('requests', () => {
  test('end with -1 after 5 s, and a late reply is ignored', () => {
    const { clock, dialer, listener } = openedPair()
    const statuses: number[] = []
    dialer.channel.request(
      OPCODE,
      () => undefined,
      (status) => statuses.push(status),
    )
    clock.advance(4_999)
    expect(statuses).toEqual([])
    clock.advance(1)
    expect(statuses).toEqual([-1])
    listener.channel.reply(listener.heard[0]?.seq ?? 0, 0)
    listener.channel.reply(77, 0)
    clock.advance(20)
    expect([statuses, dialer.closes]).toEqual([[-1], []])
  })

  test('end with -1 when the channel does', () => {
    const { clock, dialer } = openedPair()
    const statuses: number[] = []
    for (let i = 0; i < 3; i++)
      dialer.channel.request(
        OPCODE,
        () => undefined,
        (status) => statuses.push(status),
      )
    dialer.link.cut()
    clock.advance(1)
    expect(statuses).toEqual([-1, -1, -1])
  })

  test('have numbers of their own parity, odd for the dialer', () => {
    const { clock, dialer, listener } = openedPair()
    expect([dialer.channel.nextSeq(), dialer.channel.nextSeq()]).toEqual([1, 3])
    expect([listener.channel.nextSeq(), listener.channel.nextSeq()]).toEqual([2, 4])
    dialer.channel.request(
      OPCODE,
      () => undefined,
      () => undefined,
    )
    clock.advance(10)
    expect(listener.heard[0]?.seq).toBe(5)
  })

  test('PING is answered below; unknown opcodes come through', () => {
    const { clock, dialer, listener } = openedPair()
    const answers: unknown[] = []
    dialer.channel.request(
      7,
      (writer) => writer.u64(42n),
      (status, body) => answers.push([status, body?.u64()]),
    )
    dialer.channel.request(
      0xee,
      () => undefined,
      () => undefined,
    )
    clock.advance(20)
    expect(answers).toEqual([[0, 42n]])
    expect(listener.heard.map(({ opcode }) => opcode)).toEqual([0xee])
  })
})

function ping({ channel }: Side): void {
  channel.begin(0, 7).u64(1n)
  channel.end()
}

test('who pings without end is told so and ended; at the pace of ten a second it goes on', () => {
  const { clock, dialer, listener } = openedPair()
  for (let i = 0; i < 100; i++) ping(dialer)
  for (let i = 0; i < 100; i++) {
    clock.advance(100)
    ping(dialer)
  }
  clock.advance(20)
  expect(listener.closes).toEqual([])
  for (let i = 0; i < 100; i++) ping(dialer)
  clock.advance(5_000)
  expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_PING_FLOOD'])
  expect(dialer.closes[0]).toMatchObject({ details: { code: 2 } })
})

test('the dialer sends its key in one write, alone and at once', () => {
  const link = new ScriptedLink()
  openScripted(createVirtualClock(), link, [])
  expect(link.written).toEqual([32])
})
