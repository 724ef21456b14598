import { Reader } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Batch } from '../src/batch.ts'
import { Sealer } from '../src/packets.ts'
import { nodeSuite } from '../src/suite/node.ts'
import type { Cipher } from '../src/suite/suite.ts'
import { fixedSuite, localCode, openPair, Party } from './support/sessions.ts'
import { join } from './support/vectors.ts'

const MAX = 9_000

function collect(framed: boolean): { batch: Batch; packets: Uint8Array[]; pieces: number[] } {
  const packets: Uint8Array[] = []
  const pieces: number[] = []
  const seal = (parts: readonly Uint8Array[]): void => {
    packets.push(join(parts))
    pieces.push(parts.length)
  }
  return { batch: new Batch({ framed, maxPacket: MAX, seal }), packets, pieces }
}

/** Messages of framed packets, with their four length bytes. */
function split(packet: Uint8Array): Uint8Array[] {
  const reader = new Reader(packet)
  const messages: Uint8Array[] = []
  while (reader.remaining > 0) messages.push(reader.bytes(reader.u32()))
  return messages
}

describe('a batch', () => {
  test('keeps every message whole, in order, in packets within the limit, whatever is done', {
    timeout: 60_000,
  }, () => {
    const message = fc.record({
      inline: fc.nat({ max: 300 }),
      payload: fc.option(fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 4_000, max: 8_000 })), {
        nil: undefined,
      }),
      after: fc.constantFrom('', '', '', 'flush', 'abort', 'shrink'),
    })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), fc.boolean(), (messages, framed) => {
        const { batch, packets } = collect(framed)
        const expected: Uint8Array[] = []
        for (const [i, { inline, payload, after }] of messages.entries()) {
          const head = new Uint8Array(inline).fill(i)
          const tail = payload === undefined ? undefined : new Uint8Array(payload).fill(255 - i)
          batch.begin(i, 7).bytes(head)
          if (after === 'abort') {
            batch.abort()
            continue
          }
          batch.end(tail)
          expected.push(join([Uint8Array.of(0, 0, 0, i, 7), head, tail ?? new Uint8Array(0)]))
          if (after === 'flush') batch.flush()
          if (after === 'shrink') batch.shrink()
        }
        batch.flush()
        expect(batch.bytes).toBe(0)
        for (const packet of packets) expect(packet.length).toBeLessThanOrEqual(MAX)
        expect(framed ? packets.flatMap(split) : packets).toEqual(expected)
      }),
    )
  })

  test('cuts no packet sooner than it must', () => {
    const { batch, packets } = collect(true)
    for (let i = 0; i < 100; i++) {
      batch.begin(0, 1).bytes(new Uint8Array(91))
      batch.end()
    }
    batch.flush()
    expect(packets.map((packet) => packet.length)).toEqual([MAX, 1_000])
  })

  test('small messages are one piece, a large payload is one of its own, not copied', () => {
    const { batch, pieces } = collect(true)
    for (let i = 0; i < 10; i++) {
      batch.begin(0, 1).u8(1)
      batch.end(new Uint8Array(10))
    }
    batch.flush()
    batch.begin(0, 1)
    batch.end(new Uint8Array(4_096))
    batch.begin(0, 1)
    batch.end()
    batch.flush()
    expect(pieces).toEqual([1, 3])
  })

  test('flush in the middle of a message leaves it whole', () => {
    const { batch, packets } = collect(true)
    batch.begin(1, 1)
    batch.end()
    const writer = batch.begin(2, 2).u8(8)
    batch.flush()
    writer.u8(9)
    batch.end()
    batch.flush()
    expect(packets.flatMap(split)).toEqual([
      Uint8Array.of(0, 0, 0, 1, 1),
      Uint8Array.of(0, 0, 0, 2, 2, 8, 9),
    ])
  })

  test('wrong use is an error of the caller and loses nothing', () => {
    const { batch, packets } = collect(true)
    expect(localCode(() => batch.end())).toBe('FLATEND_MONTE_NESTED')
    batch.begin(0, 1)
    expect(localCode(() => batch.begin(0, 1))).toBe('FLATEND_MONTE_NESTED')
    batch.end()
    batch.begin(0, 2)
    expect(localCode(() => batch.end(new Uint8Array(MAX)))).toBe('FLATEND_MONTE_MESSAGE_SIZE')
    const writer = batch.begin(0, 3)
    expect(localCode(() => writer.bytes(new Uint8Array(MAX * 2)))).toBe('FLATEND_WIRE_OVERFLOW')
    batch.abort()
    batch.flush()
    expect(packets.flatMap(split)).toEqual([Uint8Array.of(0, 0, 0, 0, 1)])
  })
})

describe('messages of an open session', () => {
  test('32 messages of a tick are one packet', () => {
    const [dialer, listener] = openPair()
    for (let i = 0; i < 32; i++) dialer.say(0, i, new Uint8Array(32))
    const bytes = dialer.output()
    expect(bytes.length).toBe(4 + 32 * (4 + 5 + 32) + 16)
    listener.session.receive(bytes)
    expect(listener.received.map(({ code }) => code)).toEqual([...Array(32).keys()])
  })

  test('arrive the same, whole, split anywhere, or byte by byte', () => {
    const body = fc.uint8Array({ maxLength: 6_000 })
    const ticks = fc.array(fc.array(body, { minLength: 1, maxLength: 5 }), { maxLength: 5 })
    fc.assert(
      fc.property(ticks, fc.array(fc.nat()), fc.boolean(), (sent, cuts, single) => {
        const [dialer, listener] = openPair()
        const bytes = join(
          sent.map((bodies) => {
            for (const one of bodies) dialer.say(0, 0x40, one)
            return dialer.output()
          }),
        )
        if (single && bytes.length < 3_000)
          for (const byte of bytes) listener.session.receive(Uint8Array.of(byte))
        else {
          const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)
          let from = 0
          for (const to of [...places, bytes.length]) {
            listener.session.receive(bytes.slice(from, to))
            from = to
          }
        }
        expect(listener.received.map((message) => message.body)).toEqual(sent.flat())
        expect(listener.session.partial).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test('views of a body stay as they were, whatever comes later', () => {
    const [dialer, listener] = openPair()
    const views: Uint8Array[] = []
    listener.onMessage = (_seq, _code, body) => void views.push(body.rest())
    for (let i = 0; i < 20; i++) {
      dialer.say(0, 0x40, new Uint8Array(3_000).fill(i))
      const bytes = dialer.output()
      listener.session.receive(bytes)
      bytes.fill(0xee)
    }
    expect(views.every((view, i) => view.every((byte) => byte === i))).toBe(true)
  })

  test.each([
    ['a packet without any', []],
    ['longer than the packet', [0, 0, 0, 9, 0, 0, 0, 0, 1]],
    ['too short for seq and opcode', [0, 0, 0, 4, 0, 0, 0, 0]],
    ['cut in its length', [0, 0, 0]],
  ])('that lie about their length are refused: %s', (_, plaintext) => {
    // A peer that we did not write: it has the dialer's key, and packs what it likes.
    const keys: Uint8Array[] = []
    const cipher = (key: Uint8Array): Cipher => {
      keys.push(key.slice())
      return nodeSuite.cipher(key)
    }
    const [, listener] = openPair({ suite: { ...fixedSuite(new Uint8Array(32).fill(1)), cipher } })
    const [, , key] = keys
    const sealer = new Sealer({ suite: nodeSuite, v2: true, key: key as Uint8Array })
    const out: Uint8Array[] = []
    sealer.seal([Uint8Array.from(plaintext)], out)
    expect(listener.receive(join(out))).toMatch(/FLATEND_(MONTE_MESSAGE_LENGTH|WIRE_TRUNCATED)/)
  })

  test('the key is ratcheted in step, wherever the boundary falls', () => {
    for (const packetsPerKey of [1, 2, 3, 7]) {
      const [dialer, listener] = openPair({ packetsPerKey }, { packetsPerKey })
      for (let i = 0; i < 30; i++) {
        dialer.say(0, i)
        listener.session.receive(dialer.output())
        if (i % 3 === 0) {
          listener.say(0, i)
          dialer.session.receive(listener.output())
        }
      }
      expect(listener.received.map(({ code }) => code)).toEqual([...Array(30).keys()])
      expect(dialer.received.length).toBe(10)
    }
  })

  test('sides that disagree about the boundary part at it', () => {
    const [dialer, listener] = openPair({ packetsPerKey: 4 }, { packetsPerKey: 5 })
    const codes = Array.from({ length: 6 }, () => {
      dialer.say(0, 0x40)
      return listener.receive(dialer.output())
    })
    expect(codes.indexOf('FLATEND_MONTE_AUTHENTICATION')).toBe(4)
  })

  test('before the opening there are none, after the end neither', () => {
    const party = new Party('dialer')
    expect(localCode(() => party.say(1, 1))).toBe('FLATEND_MONTE_NOT_OPEN')
    const [dialer] = openPair()
    dialer.session.close()
    expect(localCode(() => dialer.say(1, 1))).toBe('FLATEND_MONTE_NOT_OPEN')
    expect(dialer.receive(new Uint8Array(9))).toBeUndefined()
  })
})
