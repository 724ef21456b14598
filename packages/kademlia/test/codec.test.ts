import { formatIp, Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_FOUND,
  MAX_PAGE,
  readContact,
  readContacts,
  readFindNode,
  readId,
  readPeersPage,
  readServices,
  writeContact,
  writeContacts,
  writeFindNode,
  writeId,
  writeServices,
} from '../src/codec.ts'
import { type Contact, isDialable } from '../src/contact.ts'
import {
  readDownHint,
  readEvent,
  readGet,
  readGetAnswer,
  readPut,
  readPutAnswers,
  readWatch,
  readWatchAnswer,
  writeDownHint,
  writeEvent,
  writeGet,
  writeGetAnswer,
  writePutAnswers,
  writeRecords,
  writeWatch,
} from '../src/record-codec.ts'
import { thrownBy } from './support/ids.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const host = fc.oneof(bytes(4), bytes(16)).map((ip) => formatIp(Uint8Array.from(ip)))
const address = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }).filter(isDialable)
const key = bytes(32).map((id) => Uint8Array.from(id))
const contact = fc.record({ key, address, capabilities: fc.nat(255) })
const text = fc.string({ unit: 'binary', maxLength: 60 })

interface Codec<T> {
  readonly value: fc.Arbitrary<T>
  readonly write: (writer: Writer, value: T) => void
  readonly read: (reader: Reader) => T
}

function codec<T>(one: Codec<T>): Codec<unknown> {
  return one as unknown as Codec<unknown>
}

/** For those that are parts of a message. */
function whole<T>(read: (reader: Reader) => T): (reader: Reader) => T {
  return (reader) => {
    const value = read(reader)
    reader.expectEnd()
    return value
  }
}

const codecs: Readonly<Record<string, Codec<unknown>>> = {
  id: codec<Contact>({
    value: contact.map((one) => ({ ...one, capabilities: 0 })),
    write: writeId,
    read: whole(readId),
  }),
  node: codec({ value: contact, write: writeContact, read: whole(readContact) }),
  nodes: codec<readonly Contact[]>({
    value: fc.array(contact, { maxLength: MAX_FOUND, size: 'max' }),
    write: writeContacts,
    read: whole((reader) => readContacts(reader, MAX_FOUND)),
  }),
  FIND_NODE2: codec({
    value: fc.record({ target: key, want: fc.nat(MAX_FOUND), needed: fc.nat(255) }),
    write: writeFindNode,
    read: readFindNode,
  }),
  'answer to PEERS': codec({
    value: fc.record({
      more: fc.boolean(),
      contacts: fc.array(contact, { maxLength: MAX_PAGE, size: 'max' }),
    }),
    write: (writer, { more, contacts }) => {
      writer.u8(more ? 1 : 0)
      writeContacts(writer, contacts)
    },
    read: readPeersPage,
  }),
  SERVICES: codec({
    value: fc.record({
      seq: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      added: fc.array(text, { maxLength: 20 }),
      removed: fc.array(text, { maxLength: 20 }),
    }),
    write: writeServices,
    read: readServices,
  }),
}

const rawRecord = fc.uint8Array({ maxLength: 600, size: 'max' }).map((raw) => Uint8Array.from(raw))
const lists = (maxLength: number): fc.Arbitrary<readonly Uint8Array[]> =>
  fc.array(rawRecord, { maxLength })
const u32 = fc.nat(0xffff_ffff)

const recordCodecs: Readonly<Record<string, Codec<unknown>>> = {
  PUT: codec<readonly Uint8Array[]>({ value: lists(64), write: writeRecords, read: readPut }),
  'answer to PUT': codec({
    value: fc.array(fc.record({ status: fc.nat(255), seconds: u32 }), { maxLength: 64 }),
    write: writePutAnswers,
    read: (reader) => readPutAnswers(reader, 64),
  }),
  GET: codec({
    value: fc.record({ key, want: fc.nat(20), nodes: fc.nat(16) }),
    write: writeGet,
    read: readGet,
  }),
  'answer to GET': codec({
    value: fc.record({
      total: fc.nat(0xffff),
      records: lists(20),
      contacts: fc.array(contact, { maxLength: 16 }),
    }),
    write: writeGetAnswer,
    read: readGetAnswer,
  }),
  WATCH: codec({ value: fc.record({ key, ttl: u32 }), write: writeWatch, read: readWatch }),
  'answer to WATCH': codec({
    value: u32,
    write: (writer, ttl) => writer.u32(ttl),
    read: readWatchAnswer,
  }),
  EVENT: codec({
    value: fc.record({ key, records: lists(20) }),
    write: writeEvent,
    read: readEvent,
  }),
  DOWN_HINT: codec({
    value: fc.record({ key, publicKey: key }),
    write: writeDownHint,
    read: readDownHint,
  }),
}

function encode({ write }: Codec<unknown>, value: unknown): Uint8Array {
  const writer = new Writer()
  write(writer, value)
  return writer.copy()
}

describe.each(Object.entries({ ...codecs, ...recordCodecs }))('%s', (_, one) => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(one.value, (value) => {
        expect(one.read(new Reader(encode(one, value)))).toEqual(value)
      }),
    )
  })

  test('cut anywhere, or followed by anything, is the peer’s error', () => {
    fc.assert(
      fc.property(one.value, fc.nat(), fc.nat(255), (value, cut, more) => {
        const encoded = encode(one, value)
        const part = encoded.subarray(0, cut % encoded.length)
        expect(() => one.read(new Reader(part))).toThrow(RemoteProtocolError)
        const longer = Uint8Array.of(...encoded, more)
        expect(() => one.read(new Reader(longer))).toThrow(RemoteProtocolError)
      }),
    )
  })

  test('of bytes that were changed, or mean nothing, gives a value or the peer’s error', () => {
    const changed = fc
      .tuple(one.value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }))
      .map(([value, changes]) => {
        const encoded = encode(one, value)
        for (const [at, byte] of changes) encoded[at % encoded.length] = byte
        return encoded
      })
    const garbage = fc
      .uint8Array({ maxLength: 300, size: 'max' })
      .map((raw) => Uint8Array.from(raw))
    fc.assert(
      fc.property(fc.oneof(changed, garbage), (encoded) => {
        const error = thrownBy(() => one.read(new Reader(encoded)))
        expect(error === undefined || error instanceof RemoteProtocolError).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

const at = (name: string, port: number): Contact => ({
  key: new Uint8Array(32),
  address: { host: name, port },
  capabilities: 1,
})

const named = (count: number, before = 0): Reader =>
  new Reader(Uint8Array.of(...new Uint8Array(before), count))

describe('limits', () => {
  const tooMany = { code: 'FLATEND_KADEMLIA_LIMIT' }

  test('more contacts than allowed are refused before any is read', () => {
    const reader = new Reader(Uint8Array.of(MAX_FOUND + 1))
    expect(() => readContacts(reader, MAX_FOUND)).toThrow(expect.objectContaining(tooMany))
  })

  test('so are more services than a peer may have', () => {
    const { length } = new Writer().u64(1n).u16(4_097)
    const writer = new Writer().u64(1n).u16(4_097)
    expect(length).toBe(10)
    expect(() => readServices(new Reader(writer.copy()))).toThrow(expect.objectContaining(tooMany))
  })

  test('and a wish for more nodes than an answer may hold', () => {
    const writer = new Writer()
    writeFindNode(writer, { target: new Uint8Array(32), want: MAX_FOUND + 1, needed: 0 })
    expect(() => readFindNode(new Reader(writer.copy()))).toThrow(expect.objectContaining(tooMany))
  })

  test('and records beyond what each message may hold', () => {
    for (const read of [
      () => readPut(named(65)),
      () => readPutAnswers(named(2), 1),
      () => readGetAnswer(named(21, 2)),
      () => readEvent(named(21, 32)),
      () => readGet(new Reader(Uint8Array.of(...new Uint8Array(32), 21, 0))),
      () => readGet(new Reader(Uint8Array.of(...new Uint8Array(32), 0, 17))),
    ]) {
      expect(read).toThrow(expect.objectContaining(tooMany))
    }
  })

  test('an address family nobody knows is refused', () => {
    const reader = new Reader(Uint8Array.of(...new Uint8Array(32), 2, 1, 2, 3, 4, 0, 80))
    const family = expect.objectContaining({ code: 'FLATEND_KADEMLIA_FAMILY' })
    expect(() => readId(reader)).toThrow(family)
  })

  test('contacts nobody could dial are left out', () => {
    const writer = new Writer()
    writeContacts(writer, [at('0.0.0.0', 1), at('::', 1), at('10.0.0.1', 0), at('::1', 9)])
    expect(readContacts(new Reader(writer.copy()), 4)).toEqual([at('::1', 9)])
  })

  test('what is read stays as it is when the packet’s bytes are used again', () => {
    const writer = new Writer()
    const one = { key: new Uint8Array(32).fill(7), address: { host: '10.0.0.1', port: 9 } }
    writeContact(writer, { ...one, capabilities: 1 })
    for (const packet of [writer.copy(), Buffer.from(writer.copy())]) {
      const read = readContact(new Reader(packet))
      packet.fill(0)
      expect(read.key).toEqual(one.key)
    }
  })

  test('a host that is no IP address cannot be told', () => {
    const name = {
      key: new Uint8Array(32),
      address: { host: 'localhost', port: 9 },
      capabilities: 1,
    }
    expect(() => writeContact(new Writer(), name)).toThrow(TypeError)
  })
})
