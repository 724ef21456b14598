import { describe, expect, test } from 'vitest'
import {
  bytes,
  flip,
  identityOf,
  localCode,
  OFFER_BIT,
  type Overrides,
  Party,
  settle,
} from './support/sessions.ts'

const KEY = 32
const address = { host: '10.0.0.9', port: 4_000 }

/** What a 2020 dialer's key looks like: no offer. */
function openLegacy(dialerHello = {}, listenerHello = {}): readonly [Party, Party] {
  const dialer = new Party('dialer', { legacy: true, hello: dialerHello })
  const listener = new Party('listener', { legacy: true, hello: listenerHello })
  const key = dialer.output()
  listener.session.receive(flip(key, OFFER_BIT))
  const answer = listener.output()
  expect(answer.length).toBe(KEY)
  expect((answer[31] as number) & 0x80).toBe(0)
  dialer.session.receive(answer)
  settle(dialer, listener)
  return [dialer, listener]
}

/** Anonymous as the first time, with another service. */
function repeatHello(dialer: Party): void {
  dialer.session.begin(3, 0).u8(0).u8(1).text8('other')
  dialer.session.end()
}

/** What a dialer that expects a key makes of a v1 listener. */
function pinned(expectedKey: Uint8Array, other: Overrides): string | undefined {
  const dialer = new Party('dialer', { legacy: true, expectedKey })
  const peer = new Party('listener', other)
  peer.session.receive(flip(dialer.output(), OFFER_BIT))
  dialer.session.receive(peer.output())
  peer.session.receive(dialer.output())
  return dialer.receive(peer.output())
}

describe('v1', () => {
  test('in v1 a pinned key must at least be claimed', () => {
    const listener = { legacy: true, hello: { address: { host: '10.0.0.1', port: 1 } } }
    expect(pinned(identityOf(2).publicKey, listener)).toBeUndefined()
    expect(pinned(identityOf(7).publicKey, listener)).toBe('FLATEND_MONTE_PINNED')
    expect(pinned(identityOf(2).publicKey, { legacy: true })).toBe('FLATEND_MONTE_PINNED')
  })

  test('opens, with and without an identity', () => {
    const [dialer, listener] = openLegacy({ services: ['a', 'b'] }, { address })
    expect([dialer.session.version, listener.session.version]).toEqual([1, 1])
    expect(listener.hello).toMatchObject({ version: 1, services: ['a', 'b'], publicKey: undefined })
    expect(dialer.hello).toMatchObject({ publicKey: identityOf(2).publicKey, address })
  })

  test('replies have no opcode, requests have one; one message a packet', () => {
    const [dialer, listener] = openLegacy()
    dialer.session.begin(3, 4).u32(7)
    dialer.session.end()
    dialer.session.begin(0, 3).u8(1)
    dialer.session.end()
    const sent = dialer.output()
    expect(sent.length).toBe(4 + 16 + 9 + 4 + 16 + 6)
    listener.session.receive(sent)
    expect(listener.received).toEqual([
      { seq: 3, code: 4, body: bytes(0, 0, 0, 7) },
      { seq: 0, code: 3, body: bytes(1) },
    ])
    listener.session.begin(3, undefined).u8(5)
    listener.session.end()
    dialer.session.receive(listener.output())
    expect(dialer.received).toEqual([{ seq: 3, code: 0, body: bytes(5) }])
  })

  test('packets over 4,096 bytes are an error of the caller, and nothing breaks', () => {
    const [dialer, listener] = openLegacy()
    const body = (length: number) => () => dialer.say(0, 3, new Uint8Array(length))
    expect(localCode(body(4_096 - 16 - 5 + 1))).toBe('FLATEND_MONTE_MESSAGE_SIZE')
    expect(localCode(body(4_096 - 16 - 5))).toBeUndefined()
    listener.session.receive(dialer.output())
    expect(listener.received.map((message) => message.body.length)).toEqual([4_075])
  })

  test('the same handshake said again is answered again, but not for ever', () => {
    const [dialer, listener] = openLegacy()
    repeatHello(dialer)
    listener.session.receive(dialer.output())
    dialer.session.receive(listener.output())
    expect(dialer.received).toMatchObject([{ seq: 3, code: 0 }])
    expect(listener.received).toEqual([])
    for (let i = 1; i < 16; i++) {
      repeatHello(dialer)
      listener.session.receive(dialer.output())
    }
    repeatHello(dialer)
    expect(listener.receive(dialer.output())).toBe('FLATEND_MONTE_LEGACY_HELLO')
  })

  test('messages before the handshake, and another handshake, are refused', () => {
    const [dialer, listener] = [
      new Party('dialer', { legacy: true }),
      new Party('listener', { legacy: true }),
    ]
    listener.session.receive(flip(dialer.output(), OFFER_BIT))
    dialer.session.receive(listener.output())
    const handshake = dialer.output()
    listener.session.receive(handshake)
    dialer.session.receive(listener.output())
    dialer.session.begin(3, 0).u8(2).u8(0)
    dialer.session.end()
    expect(listener.receive(dialer.output())).toBe('FLATEND_MONTE_LEGACY_HELLO')

    // A listener that answers something else than the handshake.
    const [early, other] = [
      new Party('dialer', { legacy: true }),
      new Party('listener', { legacy: true }),
    ]
    other.session.receive(flip(early.output(), OFFER_BIT))
    early.session.receive(other.output())
    other.session.receive(early.output())
    const reply = other.output()
    other.session.begin(2, 4).u8(0)
    other.session.end()
    const request = other.output()
    expect(early.receive(request)).toBe('FLATEND_MONTE_AUTHENTICATION')
    expect(reply.length).toBeGreaterThan(0)
  })

  test('our own identity is refused', () => {
    const hello = { address }
    const dialer = new Party('dialer', { legacy: true, identity: identityOf(5), hello })
    const listener = new Party('listener', { legacy: true, identity: identityOf(5), hello })
    listener.session.receive(flip(dialer.output(), OFFER_BIT))
    dialer.session.receive(listener.output())
    expect(listener.receive(dialer.output())).toBe('FLATEND_MONTE_SELF')
  })

  test('services the handshake has no room for are reported', () => {
    const services = Array.from({ length: 300 }, (_, i) => `service-${i}`)
    const [dialer, listener] = openLegacy({ services })
    expect(listener.hello?.services.length).toBe(255)
    expect(dialer.session.unsentServices).toEqual(services.slice(255))
  })
})
