import { Reader, Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { writeAddress } from '../src/address.ts'
import { packHello, readHello } from '../src/hello.ts'
import { firstTranscript, handshakeKeys, nextTranscript, ratchet } from '../src/key-schedule.ts'
import { readLegacyHello, writeLegacyHello } from '../src/legacy-hello.ts'
import { DEFAULT_LIMITS } from '../src/limits.ts'
import { Opener, Sealer } from '../src/packets.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { stablelibSuite } from '../src/suite/stablelib.ts'
import { fixedSuite, type Overrides, Party } from './support/sessions.ts'
import {
  hex,
  join,
  readVectors,
  type SessionCase,
  sessionCases,
  toHex,
  type VectorHello,
  type VectorPacket,
} from './support/vectors.ts'

interface Legacy {
  readonly id: Readonly<
    Record<string, { publicKey: string; host: string; port: number; encoded: string }>
  >
  readonly handshake: {
    readonly identified: { identitySeed: string; services: string[]; encoded: string }
    readonly anonymous: { services: string[]; encoded: string }
  }
  readonly session: Readonly<
    Record<'secretA' | 'secretB' | 'publicA' | 'publicB' | 'key', string>
  > & { readonly plaintexts: string[]; readonly packets: string[] }
}
const legacy = readVectors('legacy.json') as Legacy

const suites = [nodeSuite, stablelibSuite]
const address = (pair: readonly [string, number]) => ({ host: pair[0], port: pair[1] })
const pairs = ({ metadata }: VectorHello): string[] => Object.entries(metadata).flat()

function localHello(hello: VectorHello): Overrides {
  return {
    observed: address(hello.observed),
    hello: {
      features: hello.features,
      ephemeral: (hello.flags & 2) !== 0,
      instance: hello.instance,
      services: hello.services,
      metadata: pairs(hello),
      ...(hello.address ? { address: address(hello.address) } : {}),
    },
  }
}

/** The two parties of a case, with its keys. */
function parties(vector: SessionCase): readonly [Party, Party] {
  const common = {
    network: vector.prologue,
    networkKey: vector.networkKey === null ? undefined : hex(vector.networkKey),
  }
  const dialer = new Party('dialer', {
    ...common,
    suite: fixedSuite(hex(vector.ephemeralSecretI)),
    identity: nodeSuite.identity(hex(vector.identitySeedI)),
    ...localHello(vector.dialerHello),
  })
  const listener = new Party('listener', {
    ...common,
    suite: fixedSuite(hex(vector.ephemeralSecretR)),
    identity: nodeSuite.identity(hex(vector.identitySeedR)),
    ...localHello(vector.listenerHello),
  })
  return [dialer, listener]
}

const packet0 = ({ encoded, signature }: VectorHello): Uint8Array => hex(encoded + signature)

function sayAll(party: Party, { messages }: VectorPacket): string {
  for (const message of messages) {
    const reader = new Reader(hex(message))
    party.say(reader.u32(), reader.u8(), reader.rest())
  }
  return toHex(party.output())
}

const asMessages = (party: Party): string[] =>
  party.received.map(({ seq, code, body }) =>
    toHex(new Writer().u32(seq).u8(code).bytes(body).copy()),
  )

describe.each(sessionCases)('session-v2.json, $name', (vector) => {
  test.each(suites)('the key schedule, step by step', (suite) => {
    const [dialerKey, listenerKey] = [hex(vector.eI), hex(vector.eR)]
    const th0 = firstTranscript(suite, { prologue: vector.prologue, dialerKey, listenerKey })
    expect(toHex(th0)).toBe(vector.th0)

    const shared = suite.keyExchange(hex(vector.ephemeralSecretI)).agree(listenerKey) as Uint8Array
    expect(toHex(shared)).toBe(vector.dh)
    const networkKey = vector.networkKey === null ? undefined : hex(vector.networkKey)
    const z = networkKey
      ? suite.blake2b256({ person: 'flatend2 net key', key: networkKey }, [shared])
      : shared
    expect(toHex(z)).toBe(vector.Z)
    const keys = handshakeKeys(suite, th0, { shared, networkKey })
    expect(toHex(keys.dialer)).toBe(vector.kI)
    expect(toHex(keys.listener)).toBe(vector.kR)
    expect(shared).toEqual(new Uint8Array(32))

    const th1 = nextTranscript(suite, th0, packet0(vector.listenerHello))
    expect(toHex(th1)).toBe(vector.th1)
    const th2 = nextTranscript(suite, th1, packet0(vector.dialerHello))
    expect(toHex(th2)).toBe(vector.th2)
    expect(toHex(ratchet(suite, keys.dialer, th2))).toBe(vector.kIAfter)
    expect(toHex(ratchet(suite, keys.listener, th2))).toBe(vector.kRAfter)
    expect(keys.dialer).toEqual(new Uint8Array(32))
    expect(toHex(ratchet(suite, hex(vector.kIAfter), new Uint8Array(0)))).toBe(vector.kIAfterRekey)
  })

  test('both hellos, written and read', () => {
    for (const hello of [vector.listenerHello, vector.dialerHello]) {
      const { hello: local, observed } = localHello(hello)
      const publicKey = hex(hello.publicKey)
      const packed = packHello(local as never, { publicKey, observed })
      expect(toHex(packed.body)).toBe(hello.encoded)
      expect(packed.unsent).toEqual([])
      expect(readHello(new Reader(hex(hello.encoded)), DEFAULT_LIMITS)).toEqual({
        version: 2,
        features: hello.features,
        publicKey,
        ephemeral: (hello.flags & 2) !== 0,
        relays: (hello.flags & 4) !== 0,
        address: hello.address ? address(hello.address) : undefined,
        observed: address(hello.observed),
        instance: hello.instance,
        services: hello.services,
        metadata: pairs(hello),
      })
    }
  })

  test('the whole session, byte for byte', () => {
    const [dialer, listener] = parties(vector)
    const eI = dialer.output()
    expect(toHex(eI)).toBe(vector.eI)
    listener.session.receive(eI)
    const answer = listener.output()
    expect(toHex(answer)).toBe(vector.eR + vector.packet0R)
    dialer.session.receive(answer)
    expect(dialer.session.open).toBe(true)
    const packet0I = dialer.output()
    expect(toHex(packet0I)).toBe(vector.packet0I)
    expect(listener.session.open).toBe(false)
    listener.session.receive(packet0I)
    expect(listener.hello?.instance).toBe(vector.dialerHello.instance)

    expect(sayAll(dialer, vector.firstPacketI)).toBe(vector.firstPacketI.packet)
    expect(sayAll(listener, vector.firstPacketR)).toBe(vector.firstPacketR.packet)
    expect(sayAll(dialer, vector.secondPacketI)).toBe(vector.secondPacketI.packet)
    listener.session.receive(hex(vector.firstPacketI.packet + vector.secondPacketI.packet))
    expect(asMessages(listener)).toEqual([
      ...vector.firstPacketI.messages,
      ...vector.secondPacketI.messages,
    ])
  })
})

describe('legacy.json', () => {
  test('ids', () => {
    for (const { publicKey, host, port, encoded } of Object.values(legacy.id)) {
      const writer = new Writer().bytes(hex(publicKey))
      writeAddress(writer, { host, port })
      expect(toHex(writer.view())).toBe(encoded)
    }
  })

  test('handshakes, with an identity and without', () => {
    const { identified, anonymous } = legacy.handshake
    const identity = nodeSuite.identity(hex(identified.identitySeed))
    const at = { host: '127.0.0.1', port: 9000 }
    const base = { ephemeral: false, instance: 0 }

    const writer = new Writer()
    writeLegacyHello(writer, { ...base, address: at, services: identified.services }, identity)
    expect(toHex(writer.view())).toBe(identified.encoded)
    expect(readLegacyHello(nodeSuite, writer.view(), DEFAULT_LIMITS)).toMatchObject({
      version: 1,
      publicKey: identity.publicKey,
      address: at,
      services: identified.services,
    })

    const nobody = new Writer()
    writeLegacyHello(nobody, { ...base, services: anonymous.services }, identity)
    expect(toHex(nobody.view())).toBe(anonymous.encoded)
    expect(readLegacyHello(nodeSuite, nobody.view(), DEFAULT_LIMITS)).toMatchObject({
      publicKey: undefined,
      address: undefined,
      services: anonymous.services,
    })
    const hidden = { ...base, address: at, services: anonymous.services, anonymousLegacy: true }
    nobody.clear()
    writeLegacyHello(nobody, hidden, identity)
    expect(toHex(nobody.view())).toBe(anonymous.encoded)
  })

  test.each(suites)('packets', (suite) => {
    const { secretA, publicB, key, plaintexts, packets } = legacy.session
    const shared = suite.keyExchange(hex(secretA)).agree(hex(publicB)) as Uint8Array
    expect(toHex(suite.blake2b256({}, [shared]))).toBe(key)
    const sealer = new Sealer({ suite, v2: false, key: hex(key) })
    const opener = new Opener({ suite, v2: false, key: hex(key) })
    for (const [i, text] of plaintexts.entries()) {
      const out: Uint8Array[] = []
      sealer.seal(text === '' ? [] : [new Uint8Array(Buffer.from(text))], out)
      expect(toHex(join(out))).toBe(packets[i])
      expect(Buffer.from(opener.open(join(out).subarray(4))).toString()).toBe(text)
    }
  })
})
