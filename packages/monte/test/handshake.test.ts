import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeSuite } from '../src/suite/node.ts'
import {
  bytes,
  fixedSuite,
  flip,
  identityOf,
  localCode,
  OFFER_BIT,
  type Overrides,
  openPair,
  Party,
  transcript,
} from './support/sessions.ts'

describe('a handshake', () => {
  test('opens both sides after one round trip; the listener is silent in between', () => {
    const [dialer, listener] = [new Party('dialer'), new Party('listener')]
    expect(listener.output().length).toBe(0)
    listener.session.receive(dialer.output())
    const answer = listener.output()
    expect(listener.session.open).toBe(false)
    expect(localCode(() => listener.say(2, 0x40))).toBe('FLATEND_MONTE_NOT_OPEN')
    dialer.session.receive(answer)
    expect(dialer.session.open).toBe(true)
    // The dialer's first request leaves right behind its packet 0.
    dialer.say(1, 0x40, bytes(1, 2, 3))
    listener.session.receive(dialer.output())
    expect(listener.received).toEqual([{ seq: 1, code: 0x40, body: bytes(1, 2, 3) }])
    expect([dialer.session.version, listener.session.version]).toEqual([2, 2])
    expect(dialer.hello?.publicKey).toEqual(identityOf(2).publicKey)
    expect(listener.hello?.publicKey).toEqual(identityOf(1).publicKey)
    expect(listener.hello?.observed).toEqual({ host: '127.0.0.1', port: 50_000 })
  })

  test('is the same however TCP cuts it: every split of every message', () => {
    const [eI, answer, packet0] = transcript()
    for (let at = 0; at <= eI.length; at++) {
      const listener = new Party('listener')
      listener.session.receive(eI.subarray(0, at))
      listener.session.receive(eI.subarray(at))
      expect(listener.output()).toEqual(answer)
    }
    for (let at = 0; at <= answer.length; at++) {
      const dialer = new Party('dialer')
      dialer.output()
      dialer.session.receive(answer.subarray(0, at))
      dialer.session.receive(answer.subarray(at))
      expect(dialer.output()).toEqual(packet0)
    }
  })

  test('byte by byte, with what follows', () => {
    const [dialer, listener] = [new Party('dialer'), new Party('listener')]
    for (const byte of dialer.output()) listener.session.receive(bytes(byte))
    for (const byte of listener.output()) dialer.session.receive(bytes(byte))
    dialer.say(1, 0x40, bytes(9))
    for (const byte of dialer.output()) listener.session.receive(bytes(byte))
    expect(listener.received).toEqual([{ seq: 1, code: 0x40, body: bytes(9) }])
  })

  test('fails closed for every single bit that is flipped, in either version allowed', {
    timeout: 60_000,
  }, () => {
    for (const legacy of [false, true]) {
      const [eI, answer, packet0] = transcript({ legacy })
      expect((eI.length + answer.length + packet0.length) * 8).toBeGreaterThan(2_400)
      for (let bit = 0; bit < eI.length * 8; bit++) {
        const [dialer, listener] = [
          new Party('dialer', { legacy }),
          new Party('listener', { legacy }),
        ]
        dialer.output()
        const refused = listener.receive(flip(eI, bit))
        if (bit === OFFER_BIT && legacy) continue
        const said = listener.output()
        // A listener cannot know; its answer is of no use to the dialer.
        const outcome = refused ?? dialer.receive(said)
        expect(outcome, `bit ${bit}`).toMatch(/AUTHENTICATION|LOW_ORDER|LEGACY_REFUSED/)
        expect(said.length > 0, `bit ${bit}`).toBe(refused === undefined)
        expect(dialer.session.open).toBe(false)
      }
      for (let bit = 0; bit < answer.length * 8; bit++) {
        const dialer = new Party('dialer', { legacy })
        dialer.output()
        const refused = dialer.receive(flip(answer, bit))
        const said = dialer.output()
        expect(refused === undefined || said.length === 0, `bit ${bit}`).toBe(true)
        expect(dialer.session.open, `bit ${bit}`).toBe(false)
      }
      for (let bit = 0; bit < packet0.length * 8; bit++) {
        const listener = new Party('listener', { legacy })
        listener.session.receive(eI)
        listener.output()
        listener.receive(flip(packet0, bit))
        expect(listener.session.open, `bit ${bit}`).toBe(false)
        expect(listener.output().length).toBe(0)
      }
    }
  })
})

describe('options that cannot be said', () => {
  test.each([
    ['FLATEND_MONTE_KEY_LENGTH', { networkKey: new Uint8Array(31) }],
    ['FLATEND_MONTE_KEY_LENGTH', { expectedKey: new Uint8Array(33) }],
    ['FLATEND_MONTE_NETWORK_NAME', { network: 'é'.repeat(128) }],
    ['FLATEND_MONTE_ADDRESS', { hello: { address: { host: 'localhost', port: 1 } } }],
    ['FLATEND_MONTE_ADDRESS', { hello: { address: { host: '::1', port: 0 } } }],
    ['FLATEND_MONTE_SERVICE_NAME', { hello: { services: ['é'.repeat(128)] } }],
    ['FLATEND_MONTE_METADATA', { hello: { metadata: ['name'] } }],
    ['FLATEND_MONTE_METADATA', { hello: { metadata: ['name', 'x'.repeat(8_193)] } }],
    ['FLATEND_MONTE_METADATA', { hello: { metadata: Array<string>(258).fill('') } }],
    [
      'FLATEND_MONTE_METADATA',
      { hello: { metadata: ['a', 'x'.repeat(8_192), 'b', 'x'.repeat(8_192)] } },
    ],
    ['FLATEND_WIRE_OVERFLOW', { hello: { instance: 2 ** 32 } }],
  ] as const)('%s', (code, overrides) => {
    expect(localCode(() => new Party('dialer', overrides as Overrides))).toBe(code)
  })
})

test('services a hello has no room for are reported, the others are in it', () => {
  const services = Array.from({ length: 2_000 }, (_, i) => `a service with number ${i}`)
  const [dialer, listener] = openPair({ hello: { services } })
  const sent = listener.hello?.services ?? []
  expect(sent.length).toBeGreaterThan(500)
  expect([...sent, ...dialer.session.unsentServices]).toEqual(services)
})

test('fuzz: garbage in place of the handshake or after it gives RemoteProtocolError or nothing', () => {
  const [eI, answer, packet0] = transcript({ legacy: true })
  const noise = fc.uint8Array({ maxLength: 200 })
  const lengths = fc.constantFrom([0, 0, 0, 0], [0, 0, 0, 16], [0, 0, 64, 0], [255, 255, 255, 255])
  const piece = fc.oneof(
    noise,
    lengths.map((values) => Uint8Array.from(values)),
    fc.constantFrom(eI, answer, packet0),
    fc
      .tuple(fc.constantFrom(eI, answer, packet0), fc.nat())
      .map(([source, bit]) => flip(source, bit % (source.length * 8))),
  )
  const input = fc.record({
    role: fc.constantFrom('dialer' as const, 'listener' as const),
    legacy: fc.boolean(),
    pieces: fc.array(piece, { maxLength: 6 }),
  })
  fc.assert(
    fc.property(input, ({ role, legacy, pieces }) => {
      const party = new Party(role, { legacy })
      party.output()
      let broken = false
      for (const chunk of pieces) {
        const code = party.receive(chunk)
        // Once it is over, everything is ignored.
        expect(broken && code !== undefined).toBe(false)
        broken ||= code !== undefined
      }
      const said = party.output().length
      expect(broken && !party.session.open && said > 0).toBe(false)
    }),
    { numRuns: 400 },
  )
})

const used = (key: Uint8Array): boolean => key.some((byte) => byte !== 0)

test('secrets are overwritten when the session ends', () => {
  const keys: Uint8Array[] = []
  const suite = {
    ...fixedSuite(new Uint8Array(32).fill(1)),
    cipher(key: Uint8Array) {
      keys.push(key)
      return nodeSuite.cipher(key)
    },
  }
  const [dialer] = openPair({ suite })
  expect(keys.length).toBe(4)
  // The two of the handshake are gone already.
  expect(keys.filter(used).length).toBe(2)
  dialer.session.close()
  expect(keys.filter(used).length).toBe(0)

  keys.length = 0
  const [one, other] = [new Party('dialer', { suite }), new Party('listener', { network: 'x' })]
  other.session.receive(one.output())
  expect(one.receive(other.output())).toBe('FLATEND_MONTE_AUTHENTICATION')
  expect([keys.length, keys.filter(used).length]).toEqual([2, 0])
})
