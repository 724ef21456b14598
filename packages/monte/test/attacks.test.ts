import { describe, expect, test } from 'vitest'
import { nodeSuite } from '../src/suite/node.ts'
import {
  bytes,
  flip,
  identityOf,
  OFFER_BIT,
  openPair,
  Party,
  transcript,
} from './support/sessions.ts'
import { hex, join } from './support/vectors.ts'

const KEY = 32
const opened = (a: Party, b: Party): boolean => a.session.open || b.session.open

describe('attacks', () => {
  test('reflection: a dialer that gets its own key', () => {
    const dialer = new Party('dialer')
    expect(dialer.receive(dialer.output())).toBe('FLATEND_MONTE_REFLECTION')
    const legacy = new Party('dialer', { legacy: true })
    const own = legacy.output()
    expect(legacy.receive(flip(own, OFFER_BIT))).toBe('FLATEND_MONTE_REFLECTION')
    expect(legacy.output().length).toBe(0)
  })

  test('self-connection: the same identity at both ends', () => {
    const [dialer, listener] = [
      new Party('dialer', { identity: identityOf(5) }),
      new Party('listener', { identity: identityOf(5) }),
    ]
    listener.session.receive(dialer.output())
    expect(dialer.receive(listener.output())).toBe('FLATEND_MONTE_SELF')
    expect(dialer.output().length).toBe(0)
  })

  test.each([
    ['name', { network: 'prod' }, { network: 'test' }],
    ['key', { networkKey: new Uint8Array(32).fill(1) }, { networkKey: new Uint8Array(32).fill(2) }],
    ['key on one side', { networkKey: new Uint8Array(32).fill(1) }, {}],
  ] as const)('another network: its %s differs', (_, one, other) => {
    const [dialer, listener] = [new Party('dialer', one), new Party('listener', other)]
    listener.session.receive(dialer.output())
    expect(dialer.receive(listener.output())).toBe('FLATEND_MONTE_AUTHENTICATION')
    expect(dialer.output().length).toBe(0)
    expect(opened(dialer, listener)).toBe(false)
  })

  test('the same network opens', () => {
    const network = { network: 'prod', networkKey: new Uint8Array(32).fill(3) }
    const [dialer, listener] = openPair(network, network)
    expect(dialer.session.open && listener.session.open).toBe(true)
  })

  test('somebody else answers a dialer that knows whom it dials', () => {
    const expectedKey = identityOf(7).publicKey
    const [dialer, listener] = [new Party('dialer', { expectedKey }), new Party('listener')]
    listener.session.receive(dialer.output())
    expect(dialer.receive(listener.output())).toBe('FLATEND_MONTE_PINNED')
    expect(dialer.output().length).toBe(0)
    const [right] = openPair({ expectedKey: identityOf(2).publicKey })
    expect(right.session.open).toBe(true)
  })

  test('points of low order are refused by both sides and answered by nothing', () => {
    for (const point of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ]) {
      for (const offered of [hex(point), hex(point).with(31, (hex(point)[31] as number) | 0x80)]) {
        for (const role of ['dialer', 'listener'] as const) {
          const party = new Party(role, { legacy: true })
          party.output()
          expect(party.receive(offered)).toBe('FLATEND_MONTE_LOW_ORDER')
          expect(party.output().length).toBe(0)
        }
      }
    }
  })

  test('the offer stripped: refused without legacy, v1 with it', () => {
    const [dialer, listener] = [new Party('dialer'), new Party('listener')]
    expect(listener.receive(flip(dialer.output(), OFFER_BIT))).toBe('FLATEND_MONTE_LEGACY_REFUSED')
    expect(listener.output().length).toBe(0)
    listener.session.close()

    const answered = new Party('dialer')
    answered.output()
    const plain = flip(new Party('dialer', { suite: nodeSuite }).output(), OFFER_BIT)
    expect(answered.receive(plain)).toBe('FLATEND_MONTE_LEGACY_REFUSED')

    // Stripped on the way back only: the two sides disagree, and nothing opens.
    const [one, other] = [new Party('dialer', { legacy: true }), new Party('listener')]
    other.session.receive(one.output())
    expect(one.receive(flip(other.output(), OFFER_BIT))).toBe('FLATEND_MONTE_AUTHENTICATION')
    expect(one.output().length).toBe(0)
    expect(opened(one, other)).toBe(false)
  })

  test('a stolen hello: somebody replays what another session proved', () => {
    const [, honest] = transcript()
    const mallory = new Party('listener', { suite: nodeSuite, identity: identityOf(9) })
    const victim = new Party('dialer', { suite: nodeSuite })
    mallory.session.receive(victim.output())
    const own = mallory.output()
    const spliced = join([own.subarray(0, KEY), honest.subarray(KEY)])
    expect(victim.receive(spliced)).toBe('FLATEND_MONTE_AUTHENTICATION')
  })

  test('a stolen identity: the hello names a key its sender does not have', () => {
    const thief = {
      publicKey: identityOf(2).publicKey,
      sign: (message: Uint8Array) => identityOf(9).sign(message),
    }
    const [dialer, listener] = [new Party('dialer'), new Party('listener', { identity: thief })]
    listener.session.receive(dialer.output())
    expect(dialer.receive(listener.output())).toBe('FLATEND_MONTE_SIGNATURE')
    const [other, server] = [
      new Party('dialer', { identity: { ...thief, publicKey: identityOf(3).publicKey } }),
      new Party('listener'),
    ]
    server.session.receive(other.output())
    other.session.receive(server.output())
    expect(server.receive(other.output())).toBe('FLATEND_MONTE_SIGNATURE')
    expect(server.session.open).toBe(false)
  })

  test('a whole session replayed: the listener has another key now', () => {
    const [eI, , packet0] = transcript()
    const listener = new Party('listener', { suite: nodeSuite })
    listener.session.receive(eI)
    listener.output()
    expect(listener.receive(packet0)).toBe('FLATEND_MONTE_AUTHENTICATION')
  })

  test('a signature of the listener does not pass for the dialer’s', () => {
    // Same transcript, same hello: the labels alone tell the roles apart.
    const honest = identityOf(1)
    const confused = {
      publicKey: identityOf(1).publicKey,
      sign: (message: Uint8Array) =>
        honest.sign(
          Buffer.from(
            Buffer.from(message).toString('latin1').replace('identity I', 'identity R'),
            'latin1',
          ),
        ),
    }
    const [dialer, listener] = [new Party('dialer', { identity: confused }), new Party('listener')]
    listener.session.receive(dialer.output())
    dialer.session.receive(listener.output())
    expect(listener.receive(dialer.output())).toBe('FLATEND_MONTE_SIGNATURE')
  })

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
