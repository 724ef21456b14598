import { createHash, generateKeyPairSync, sign, verify as verifyEd25519 } from 'node:crypto'
import { formatIp, RemoteProtocolError } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_RECORD,
  type ProviderRecord,
  type RecordAddress,
  readRecord,
  serviceKey,
  signRecord,
  verifyRecord,
} from '../src/record.ts'
import { seededRandom, thrownBy } from './support/ids.ts'
import { recordOf, signerOf, verify } from './support/records.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((some) => Uint8Array.from(some))
const host = fc.oneof(bytes(4), bytes(16)).map(formatIp)
const address = fc.record(
  { address: fc.record({ host, port: fc.nat(65_535) }), relay: bytes(32) },
  { requiredKeys: ['address'] },
)
const record: fc.Arbitrary<ProviderRecord> = fc.record({
  key: bytes(32),
  publicKey: bytes(32),
  seq: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  issued: fc.maxSafeNat(),
  ttl: fc.nat(0xffff_ffff),
  weight: fc.nat(0xffff),
  tombstone: fc.boolean(),
  relayed: fc.boolean(),
  addresses: fc.array(address, { maxLength: 4, size: 'max' }),
  metadata: fc.uint8Array({ maxLength: 80, size: 'max' }).map((some) => Uint8Array.from(some)),
})
const signed = record.map((one) => signRecord(one, signerOf(one.publicKey)))

describe('a record', () => {
  test('comes back as it was, byte for byte', () => {
    fc.assert(
      fc.property(signed, (one) => {
        const read = readRecord(one.bytes)
        expect(read).toEqual(one)
        expect(signRecord(read, signerOf(read.publicKey)).bytes).toEqual(one.bytes)
        expect(one.bytes.length).toBeLessThanOrEqual(MAX_RECORD)
        expect(verifyRecord(read, verify)).toBe(true)
      }),
    )
  })

  test('cut anywhere, or followed by anything, is the peer’s error', () => {
    fc.assert(
      fc.property(signed, fc.nat(), fc.nat(255), ({ bytes: all }, cut, more) => {
        expect(() => readRecord(all.subarray(0, cut % all.length))).toThrow(RemoteProtocolError)
        expect(() => readRecord(Uint8Array.of(...all, more))).toThrow(RemoteProtocolError)
      }),
    )
  })

  test('changed anywhere is no record, or not signed', () => {
    fc.assert(
      fc.property(signed, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, mask) => {
        const changed = Uint8Array.from(one.bytes)
        const place = at % changed.length
        changed[place] = (changed[place] as number) ^ mask
        let valid = false
        const error = thrownBy(() => {
          valid = verifyRecord(readRecord(changed), verify)
        })
        expect(valid).toBe(false)
        expect(error === undefined || error instanceof RemoteProtocolError).toBe(true)
      }),
    )
  })

  test('of bytes that mean nothing is the peer’s error', () => {
    const garbage = fc.uint8Array({ maxLength: 600, size: 'max' })
    fc.assert(
      fc.property(garbage, fc.boolean(), (some, looksRight) => {
        const all = Uint8Array.from(some)
        if (looksRight) all.set([1, 0].slice(0, all.length))
        const error = thrownBy(() => readRecord(all))
        expect(error === undefined || error instanceof RemoteProtocolError).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('stays as it is when the packet’s bytes are used again', () => {
    const one = recordOf(seededRandom(1))
    const packet = Buffer.from(signRecord(one, signerOf(one.publicKey)).bytes)
    const read = readRecord(packet)
    packet.fill(0)
    expect(read).toMatchObject(one)
    expect(verifyRecord(read, verify)).toBe(true)
  })

  test('that is too long, or has too many addresses, is not signed', () => {
    const one = recordOf(seededRandom(1))
    const [first] = one.addresses as [RecordAddress]
    const code = 'FLATEND_KADEMLIA_RECORD_SIZE'
    const relay = one.key
    const relayed = { relay, address: { host: '2001:db8::1', port: 1 } }
    for (const parts of [
      { addresses: [first, first, first, first, first] },
      { addresses: [relayed, relayed, relayed, relayed], metadata: new Uint8Array(255) },
    ]) {
      expect(() => signRecord({ ...one, ...parts }, signerOf(one.publicKey))).toThrow(
        expect.objectContaining({ code }),
      )
    }
    const name = { ...one, addresses: [{ address: { host: 'localhost', port: 1 } }] }
    expect(() => signRecord(name, signerOf(one.publicKey))).toThrow(TypeError)
  })

  test.each([
    ['another version', 0, 2],
    ['unknown flags', 1, 4],
    ['a time nobody will see', 74, 255],
    ['five addresses', 88, 5],
    ['an address of an unknown kind', 89, 3],
  ])('with %s is refused by name', (_, at, value) => {
    const one = recordOf(seededRandom(1))
    const all = signRecord(one, signerOf(one.publicKey)).bytes
    all[at] = value
    const code = 'FLATEND_KADEMLIA_RECORD'
    expect(() => readRecord(all)).toThrow(expect.objectContaining({ code }))
  })

  test('signed by Ed25519 is verified by it', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const one = recordOf(seededRandom(1), { publicKey: Uint8Array.from(raw) })
    const made = signRecord(one, { publicKey: raw, sign: (some) => sign(null, some, privateKey) })
    const check = (_: Uint8Array, some: Uint8Array, signature: Uint8Array): boolean =>
      verifyEd25519(null, some, publicKey, signature)
    expect(verifyRecord(readRecord(made.bytes), check)).toBe(true)
    made.bytes[40] = (made.bytes[40] as number) ^ 1
    expect(verifyRecord(readRecord(made.bytes), check)).toBe(false)
  })
})

const sha = (some: Uint8Array): Uint8Array => createHash('sha256').update(some).digest()

test('the key of a service is a digest of prefix, zero and name', () => {
  expect(serviceKey('hello', sha)).toEqual(
    createHash('sha256').update('flatend/svc/1').update(Uint8Array.of(0)).update('hello').digest(),
  )
})
