import { describe, expect, test } from 'vitest'
import { Sealer } from '../src/packets.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { closeCodes, openedPair, say } from './support/channels.ts'
import { message, packet } from './support/mallory.ts'
import { bytes, flip, openPair, Party, transcript } from './support/sessions.ts'
import { join } from './support/vectors.ts'

const KEY = 32

describe('attacks on packets', { timeout: 60_000 }, () => {
  test.each(['replay', 'reorder', 'drop', 'lengthen'])(
    'packets after the opening: %s',
    (attack) => {
      const [dialer, listener] = openPair()
      dialer.say(1, 0x40, bytes(1))
      const one = dialer.output()
      dialer.say(3, 0x40, bytes(2))
      const two = dialer.output()
      const longer = join([one.with(3, (one[3] as number) + 1), bytes(0)])
      const streams: Record<string, Uint8Array[]> = {
        replay: [one, one],
        reorder: [two, one],
        drop: [two],
        lengthen: [longer],
      }
      expect(listener.receive(join(streams[attack] ?? []))).toBe('FLATEND_MONTE_AUTHENTICATION')
      expect(listener.received.length).toBe(attack === 'replay' ? 1 : 0)
      // Nothing more is read, though an END may still be said.
      expect(listener.receive(one)).toBeUndefined()
      expect(listener.received.length).toBe(attack === 'replay' ? 1 : 0)
      listener.say(0, 9, bytes(0, 2, 0, 0))
      expect(listener.output().length).toBeGreaterThan(0)
    },
  )

  test('reflection: a packet sent back to who sent it', () => {
    const [dialer] = openPair()
    dialer.say(1, 0x40, bytes(1))
    expect(dialer.receive(dialer.output())).toBe('FLATEND_MONTE_AUTHENTICATION')
  })

  test('a packet of one session in another of the same two', () => {
    const [dialer] = openPair({ suite: nodeSuite })
    const [, listener] = openPair({ suite: nodeSuite })
    dialer.say(1, 0x40, bytes(1))
    expect(listener.receive(dialer.output())).toBe('FLATEND_MONTE_AUTHENTICATION')
  })

  test('ratchet boundary: packets of the old key after it, in place of it, and across it', () => {
    const few = { packetsPerKey: 4 }
    const run = (order: readonly number[]): (string | undefined)[] => {
      const [dialer, listener] = openPair(few, few)
      const sent = Array.from({ length: 8 }, (_, i) => {
        dialer.say(0, i)
        return dialer.output()
      })
      return order.map((i) => listener.receive(sent[i] as Uint8Array))
    }
    const fine = [undefined, undefined, undefined, undefined]
    const bad = 'FLATEND_MONTE_AUTHENTICATION'
    expect(run([0, 1, 2, 3, 4, 5, 6, 7])).toEqual([...fine, ...fine])
    expect(run([0, 1, 2, 3, 3]).at(-1)).toBe(bad)
    expect(run([0, 1, 2, 3, 0]).at(-1)).toBe(bad)
    expect(run([0, 1, 2, 4]).at(-1)).toBe(bad)
    expect(run([0, 1, 2, 3, 5]).at(-1)).toBe(bad)
    expect(run([4])).toEqual([bad])
  })

  test('counter: 2^20 packets, then another key from 0; no nonce twice under a key', () => {
    const seen: number[] = []
    const last = { at: -1 }
    const suite = {
      ...nodeSuite,
      cipher: () => {
        seen.push(0)
        last.at = -1
        return {
          seal(nonce: Uint8Array) {
            const counter = new DataView(nonce.buffer, nonce.byteOffset).getBigUint64(0)
            if (Number(counter) !== last.at + 1) throw new Error(`${counter} after ${last.at}`)
            last.at = Number(counter)
            seen[seen.length - 1] = last.at + 1
            return []
          },
          open: () => undefined,
          destroy: () => undefined,
        }
      },
    }
    const sealer = new Sealer({ suite, v2: true, key: new Uint8Array(32).fill(5) })
    for (let i = 0; i < 2 * 2 ** 20 + 3; i++) sealer.seal([], [])
    expect(seen).toEqual([2 ** 20, 2 ** 20, 3])
  })

  test('truncation before END: cut after any whole packet, it is an error', () => {
    for (let packets = 0; packets < 4; packets++) {
      const { clock, dialer, listener } = openedPair()
      for (let i = 0; i < packets; i++) {
        say(dialer, bytes(i))
        clock.advance(1)
      }
      clock.advance(50)
      dialer.link.end()
      clock.advance(5_000)
      expect(listener.heard.length).toBe(packets)
      expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_TRUNCATED'])
    }
  })

  test('truncation of END itself, at every byte', () => {
    const [dialer, listener] = openPair()
    dialer.say(0, 9, bytes(0, 0, 0, 0))
    const end = dialer.output()
    for (let at = 0; at < end.length - 1; at++)
      expect(listener.receive(end.subarray(at, at + 1))).toBeUndefined()
    expect([listener.received.length, listener.session.partial]).toEqual([0, true])
    listener.session.receive(end.subarray(-1))
    expect(listener.received.map(({ code }) => code)).toEqual([9])
  })

  test('an END nobody sent, and one put behind a packet', () => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(1)]) {
      const [dialer, listener] = openPair()
      dialer.say(1, 0x40, bytes(1))
      const forged = packet(key, message(0, 9, bytes(0, 0, 0, 0)), 1)
      expect(listener.receive(join([dialer.output(), forged]))).toBe('FLATEND_MONTE_AUTHENTICATION')
      expect(listener.received.map(({ code }) => code)).toEqual([0x40])
    }
  })

  test('every bit of a packet turned', () => {
    for (let bit = 0; ; bit++) {
      const [dialer, listener] = openPair()
      dialer.say(1, 0x40, bytes(1))
      const sent = dialer.output()
      if (bit === sent.length * 8) break
      const outcome = listener.receive(join([flip(sent, bit), new Uint8Array(300)]))
      // A length that grew may wait for more than there is.
      expect(outcome ?? (listener.session.partial && 'waits'), `bit ${bit}`).toMatch(
        /AUTHENTICATION|FRAME_TOO_LARGE|FRAME_TOO_SMALL|waits/,
      )
      expect(listener.received.length).toBe(0)
    }
  })

  test('packet 0 has its own limit, which holds before a byte is buffered', () => {
    const [eI, answer] = transcript()
    const dialer = new Party('dialer')
    dialer.output()
    const huge = join([answer.subarray(0, KEY), bytes(0, 0, 0x40, 0x01)])
    expect(dialer.receive(huge)).toBe('FLATEND_WIRE_FRAME_TOO_LARGE')
    const listener = new Party('listener')
    listener.session.receive(eI)
    listener.output()
    expect(listener.receive(bytes(0, 0, 0x40, 0x01))).toBe('FLATEND_WIRE_FRAME_TOO_LARGE')
    const [one] = openPair()
    expect(one.receive(bytes(0, 1, 0, 0))).toBeUndefined()
    const [other] = openPair()
    expect(other.receive(bytes(0, 1, 0, 1))).toBe('FLATEND_WIRE_FRAME_TOO_LARGE')
  })
})
