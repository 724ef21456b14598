import { describe, expect, test } from 'vitest'
import { createVirtualClock } from '../src/memory/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { openScripted, ScriptedLink } from './support/channels.ts'
import {
  listeningSuite,
  message as messageOf,
  packet,
  provenBy,
  withSignature,
} from './support/mallory.ts'
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

/** The code both sides of a handshake stop with, undefined where they open. */
function handshake(dialer: Party, listener: Party): readonly (string | undefined)[] {
  const first = listener.receive(dialer.output())
  const second = dialer.receive(listener.output())
  return [first ?? listener.receive(dialer.output()), second]
}

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
})

describe('attacks on who is who', () => {
  test('relay: a genuine proof of the listener, passed on in another session', () => {
    const identity = withSignature(2, provenBy('listener'))
    const victim = new Party('dialer', { suite: nodeSuite, expectedKey: identity.publicKey })
    expect(handshake(victim, new Party('listener', { suite: nodeSuite, identity }))).toEqual([
      undefined,
      'FLATEND_MONTE_SIGNATURE',
    ])
    expect(victim.output().length).toBe(0)
  })

  test('relay: a genuine proof of the dialer, passed on in another session', () => {
    const identity = withSignature(1, provenBy('dialer'))
    const listener = new Party('listener', { suite: nodeSuite })
    const mallory = new Party('dialer', { suite: nodeSuite, identity })
    expect(handshake(mallory, listener)[0]).toBe('FLATEND_MONTE_SIGNATURE')
    expect(listener.session.open).toBe(false)
  })

  test('man in the middle: whoever holds both sessions is who both see', () => {
    const mallory = { identity: identityOf(9), suite: nodeSuite }
    const [victim, fake] = [new Party('dialer'), new Party('listener', mallory)]
    expect(handshake(victim, fake)).toEqual([undefined, undefined])
    expect(victim.hello?.publicKey).toEqual(identityOf(9).publicKey)
    const pinned = new Party('dialer', { expectedKey: identityOf(2).publicKey })
    expect(handshake(pinned, new Party('listener', mallory))[1]).toBe('FLATEND_MONTE_PINNED')
  })

  test('unknown key share: Mallory passes the keys on and claims the session', () => {
    const [a, b] = [new Party('dialer'), new Party('listener')]
    b.session.receive(a.output())
    const answer = b.output()
    // Without the secret there is no key to seal a hello of her own under.
    const claim = packet(new Uint8Array(32).fill(9), new Uint8Array(answer.length - KEY - 20))
    expect(a.receive(join([answer.subarray(0, KEY), claim]))).toBe('FLATEND_MONTE_AUTHENTICATION')
    expect(opened(a, b)).toBe(false)
  })

  test('unknown key share: a hello of somebody else, signed by Mallory', () => {
    const claim = {
      publicKey: identityOf(2).publicKey,
      sign: (text: Uint8Array) => identityOf(9).sign(text),
    }
    const [a, mallory] = [new Party('dialer'), new Party('listener', { identity: claim })]
    expect(handshake(a, mallory)[1]).toBe('FLATEND_MONTE_SIGNATURE')
  })

  test('key-compromise impersonation: who stole our key is nobody else to us', () => {
    const stolen = identityOf(1)
    const asPeer = { publicKey: identityOf(2).publicKey, sign: (m: Uint8Array) => stolen.sign(m) }
    const a = new Party('dialer', { identity: stolen })
    expect(handshake(a, new Party('listener', { identity: asPeer }))[1]).toBe(
      'FLATEND_MONTE_SIGNATURE',
    )
    const server = new Party('listener', { identity: stolen })
    const dialing = new Party('dialer', { identity: asPeer })
    expect(handshake(dialing, server)[0]).toBe('FLATEND_MONTE_SIGNATURE')
  })

  test('a stolen key meets its owner: refused as our own', () => {
    const owner = new Party('listener', { identity: identityOf(4) })
    const thief = new Party('dialer', { suite: nodeSuite, identity: identityOf(4) })
    owner.session.receive(thief.output())
    expect(thief.receive(owner.output())).toBe('FLATEND_MONTE_SELF')
  })

  test('keys leaked later: with both identities a recorded session stays closed', () => {
    // The thief replays the record to parties that have the same identities and its own secrets.
    const [eI, answer, packet0] = transcript()
    const dialer = new Party('dialer', { suite: nodeSuite })
    dialer.output()
    expect(dialer.receive(answer)).toBe('FLATEND_MONTE_AUTHENTICATION')
    const listener = new Party('listener', { suite: nodeSuite })
    listener.session.receive(eI)
    listener.output()
    expect(listener.receive(packet0)).toBe('FLATEND_MONTE_AUTHENTICATION')
  })
})

describe('attacks on the handshake', () => {
  test('a hello over the limits ends it before anything opens', () => {
    const tight = { maxServices: 1, maxHeaders: 1, maxHeaderValue: 9, maxHeaderBytes: 20 }
    for (const hello of [
      { services: ['a', 'b'] },
      { metadata: ['a', '1', 'b', '2'] },
      { metadata: ['a', '0123456789'] },
      { metadata: ['0123456789abcdef', '0123'] },
    ]) {
      const listener = new Party('listener', { helloLimits: tight })
      const dialer = new Party('dialer', { hello: { services: [], ...hello } })
      expect(handshake(dialer, listener)[0]).toBe('FLATEND_MONTE_HELLO_LIMIT')
      expect(listener.session.open).toBe(false)
      expect(listener.output().length).toBe(0)
    }
  })

  test('a hello too short for its signature, one that says more, and none at all', () => {
    const suite = listeningSuite(1)
    const sent = new Party('dialer', { suite })
    const listener = new Party('listener')
    listener.session.receive(sent.output())
    sent.session.receive(listener.output())
    const [kI] = suite.keys
    const texts = [new Uint8Array(0), new Uint8Array(63), new Uint8Array(64), new Uint8Array(600)]
    for (const text of texts) {
      const other = new Party('listener')
      other.session.receive(new Party('dialer').output())
      other.output()
      expect(other.receive(packet(kI as Uint8Array, text))).toMatch(
        /^FLATEND_(MONTE_HELLO|MONTE_VERSION|WIRE_TRUNCATED|WIRE_TRAILING)$/,
      )
      expect(other.session.open).toBe(false)
    }
  })

  test('messages before the hello are no hello', () => {
    const suite = listeningSuite(1)
    const dialer = new Party('dialer', { suite })
    const listener = new Party('listener')
    listener.session.receive(dialer.output())
    dialer.session.receive(listener.output())
    const early = packet(suite.keys[0] as Uint8Array, messageOf(1, 0x40, new Uint8Array(200)))
    expect(listener.receive(early)).toMatch(/^FLATEND_/)
    expect([listener.session.open, listener.received.length]).toEqual([false, 0])
  })

  test('a second hello: packet 0 sent twice, by either side', () => {
    const [eI, answer, packet0] = transcript()
    const listener = new Party('listener')
    listener.session.receive(eI)
    expect(listener.receive(join([packet0, packet0]))).toBe('FLATEND_MONTE_AUTHENTICATION')
    const dialer = new Party('dialer')
    dialer.output()
    const twice = join([answer, answer.subarray(KEY)])
    expect(dialer.receive(twice)).toBe('FLATEND_MONTE_AUTHENTICATION')
  })

  test('bytes that dribble in get no more than the five seconds', () => {
    const clock = createVirtualClock()
    const link = new ScriptedLink()
    const closes: (string | undefined)[] = []
    openScripted(clock, link, closes)
    for (let i = 0; i < 31; i++) {
      link.receiver?.onData(bytes(i))
      clock.advance(160)
    }
    expect(closes).toEqual([])
    clock.advance(40)
    expect(closes).toEqual(['FLATEND_MONTE_HANDSHAKE_TIMEOUT'])
  })
})
