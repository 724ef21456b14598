import { Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DOWN_HINT, EVENT, GET, PUT, WATCH } from '../src/codec.ts'
import { commonPrefix } from '../src/id.ts'
import type { RecordStats } from '../src/index.ts'
import { type ProviderRecord, type SignedRecord, serviceKey, signRecord } from '../src/record.ts'
import {
  MAX_PUT,
  type PutAnswer,
  readEvent,
  readGetAnswer,
  readPutAnswers,
  readWatchAnswer,
  writeDownHint,
  writeEvent,
  writeGet,
  writeGetAnswer,
  writeRecords,
  writeWatch,
} from '../src/record-codec.ts'
import { cousinId, randomId, seededRandom, thrownBy } from './support/ids.ts'
import { WALL } from './support/record-mesh.ts'
import { hash, recordOf, signerOf, verify } from './support/records.ts'
import {
  bodyOf,
  type Fixture,
  fixture,
  ScriptedPeer,
  say,
  verified,
} from './support/scripted-peer.ts'

const random = seededRandom(77)
const KEY = serviceKey('hello', hash)

interface Holder extends Fixture {
  readonly stats: Readonly<RecordStats>
  readonly wall: { now: number }
}

function holder(): Holder {
  const wall = { now: WALL }
  const publicKey = randomId(random)
  const one = fixture({}, undefined, {
    self: { key: publicKey },
    records: { signer: signerOf(publicKey), verify, hash, wallNow: () => wall.now },
  })
  return { ...one, wall, stats: one.discovery.recordStats as RecordStats }
}

const signed = (parts: Partial<ProviderRecord> = {}): SignedRecord => {
  const record = recordOf(random, { key: KEY, issued: WALL, ...parts })
  return signRecord(record, signerOf(record.publicKey))
}

const provider = (one: Holder): ScriptedPeer => {
  const peer = new ScriptedPeer({ key: randomId(random) })
  one.discovery.connected(peer)
  return peer
}

function put(one: Holder, peer: ScriptedPeer, records: readonly Uint8Array[]): PutAnswer[] {
  say(one, peer, { opcode: PUT, write: (writer) => writeRecords(writer, records), seq: 1 })
  return readPutAnswers(peer.answers.at(-1)?.body as Reader, records.length)
}

function get(one: Holder, peer: ScriptedPeer, nodes = 0): ReturnType<typeof readGetAnswer> {
  const write = (writer: Writer): void => writeGet(writer, { key: KEY, want: 20, nodes })
  say(one, peer, { opcode: GET, write, seq: 1 })
  return readGetAnswer(peer.answers.at(-1)?.body as Reader)
}

const watch = (one: Holder, peer: ScriptedPeer, { key = KEY, ttl = 300 } = {}): number => {
  say(one, peer, { opcode: WATCH, write: (writer) => writeWatch(writer, { key, ttl }), seq: 1 })
  return readWatchAnswer(peer.answers.at(-1)?.body as Reader)
}

const events = ({ told }: ScriptedPeer): (readonly Uint8Array[])[] =>
  told.filter(({ opcode }) => opcode === EVENT).map(({ body }) => readEvent(body).records)

const answerOf = (records: readonly Uint8Array[]): Reader =>
  bodyOf((writer) => writeGetAnswer(writer, { total: 9, records, contacts: [] }))

const writeSomeEvent = (writer: Writer): void =>
  writeEvent(writer, { key: KEY, records: [signed().bytes] })

const writeSomeGet = (writer: Writer): void => writeGet(writer, { key: KEY, want: 1, nodes: 1 })

const forged = (record: SignedRecord): Uint8Array => {
  const bytes = Uint8Array.from(record.bytes)
  bytes[100] = (bytes[100] as number) ^ 1
  return bytes
}

describe('a holder', () => {
  test('takes a record of its provider and gives it to who asks, with nodes nearer to the key', () => {
    const one = holder()
    const peer = provider(one)
    const other = verified(one)
    const record = signed({ publicKey: peer.key as Uint8Array })
    expect(put(one, peer, [record.bytes])).toEqual([{ status: 0, seconds: 900 }])
    const answer = get(one, other, 16)
    expect([answer.total, answer.records]).toEqual([1, [record.bytes]])
    expect(answer.contacts.map(({ key }) => key)).toEqual([other.key])
    one.wall.now += 900_000
    expect(get(one, other).total).toBe(0)
  })

  test('keeps what somebody else brings for a minute at the most, far from the key for no time', () => {
    const one = holder()
    const peer = verified(one)
    const record = signed()
    expect(put(one, peer, [record.bytes])).toEqual([{ status: 0, seconds: 60 }])
    const { self } = one.discovery.table
    const common = commonPrefix(self, KEY)
    // Our own 16 nearest agree with us in so many bits more than the key does.
    const surround = (bits: number): void => {
      for (let i = 0; i < 16; i++)
        verified(one, 9_100 + bits * 16 + i, cousinId(random, self, common + bits))
    }
    for (const [i, seconds] of [30, 15, 7, 3, 1].entries()) {
      surround(i + 1)
      expect(put(one, peer, [signed().bytes])).toEqual([{ status: 0, seconds }])
    }
    surround(6)
    expect(put(one, peer, [signed().bytes])[0]?.status).toBe(1)
    expect(one.stats).toMatchObject({ stored: 6, full: 1 })
  })

  test('refuses and counts what is forged, stale, repeated with changes, over, ahead or garbage', () => {
    const one = holder()
    const peer = provider(one)
    const publicKey = peer.key as Uint8Array
    const current = signed({ publicKey, seq: 5n })
    put(one, peer, [current.bytes])
    const refused = [
      forged(signed({ publicKey, seq: 6n })),
      signed({ publicKey, seq: 4n }).bytes,
      signed({ publicKey, seq: 5n, weight: 2 }).bytes,
      signed({ publicKey, seq: 7n, issued: WALL - 900_000 }).bytes,
      signed({ publicKey, seq: 7n, issued: WALL + 60_001 }).bytes,
      new Uint8Array(0),
      new Uint8Array(600),
      Uint8Array.of(2, ...current.bytes.subarray(1)),
    ]
    expect(put(one, peer, refused).map(({ status }) => status)).toEqual([4, 2, 3, 5, 5, 11, 11, 11])
    expect(get(one, peer).records).toEqual([current.bytes])
    expect(one.stats).toMatchObject({
      stored: 1,
      badSignature: 1,
      seqTooLow: 1,
      seqReused: 1,
      expired: 2,
      malformed: 3,
    })
  })

  test('lets a flood of one connection wait, and nobody else', () => {
    const one = holder()
    const [flood, other] = [provider(one), provider(one)]
    const records = Array.from({ length: MAX_PUT }, (_, i) => signed({ seq: BigInt(i) }).bytes)
    const statuses = Array.from({ length: 6 }, () => put(one, flood, records)).flat()
    expect(statuses.filter(({ status }) => status === 6)).toHaveLength(6 * MAX_PUT - 256)
    expect(one.stats.rateLimited).toBe(6 * MAX_PUT - 256)
    expect(put(one, other, [signed().bytes])[0]?.status).not.toBe(6)
  })

  test('takes no more than 64 records of a message', () => {
    const one = holder()
    const peer = provider(one)
    const many = Array.from({ length: MAX_PUT + 1 }, () => new Uint8Array(0))
    expect(() => put(one, peer, many)).toThrow(
      expect.objectContaining({ code: 'FLATEND_KADEMLIA_LIMIT' }),
    )
    expect(one.stats.malformed).toBe(0)
  })

  test('does not bring back what was withdrawn when the old record is played again', () => {
    const one = holder()
    const peer = provider(one)
    const publicKey = peer.key as Uint8Array
    const record = signed({ publicKey, seq: 1n })
    put(one, peer, [record.bytes, signed({ publicKey, seq: 2n, tombstone: true }).bytes])
    for (const from of [peer, verified(one)]) {
      expect(put(one, from, [record.bytes])).toEqual([{ status: 2, seconds: 0 }])
    }
    expect(get(one, peer).total).toBe(0)
  })

  test('tells who watches, in one message for all that changed at once, for as long as granted', async () => {
    const one = holder()
    const [watcher, peer] = [provider(one), provider(one)]
    expect(watch(one, watcher, { ttl: 100_000 })).toBe(600)
    const records = [signed(), signed()].map(({ bytes }) => bytes)
    put(one, peer, [...records, forged(signed())])
    put(one, peer, records)
    await one.clock.advance(50)
    expect(events(watcher)).toEqual([records])
    expect(watch(one, watcher, { ttl: 0 })).toBe(0)
    put(one, peer, [signed().bytes])
    await one.clock.advance(50)
    expect(watch(one, watcher, { ttl: 1 })).toBe(1)
    await one.clock.advance(2_000)
    put(one, peer, [signed().bytes])
    await one.clock.advance(50)
    expect(watcher.told.filter(({ opcode }) => opcode === EVENT)).toHaveLength(1)
    expect(events(peer)).toEqual([])
  })

  test('has 256 watchers of a key, 1,024 keys of a connection, and room when one goes', () => {
    const one = holder()
    const watchers = Array.from({ length: 257 }, () => provider(one))
    expect(watchers.map((peer) => watch(one, peer))).toEqual([...Array(256).fill(300), 0])
    expect(watchers.at(-1)?.answers.at(-1)?.status).toBe(1)
    one.discovery.disconnected(watchers[0] as ScriptedPeer)
    const last = watchers.at(-1) as ScriptedPeer
    expect(watch(one, last)).toBe(300)
    const granted = Array.from({ length: 1_024 }, () => watch(one, last, { key: randomId(random) }))
    expect(granted.slice(-2)).toEqual([300, 0])
  })

  test('believes no hint, but looks for itself, ten times a second at the most', async () => {
    const one = holder()
    const peer = provider(one)
    const hint = (publicKey: Uint8Array): boolean =>
      say(one, peer, {
        opcode: DOWN_HINT,
        write: (writer) => writeDownHint(writer, { key: KEY, publicKey }),
      })
    hint(randomId(random))
    expect([one.stats.ignoredHints, one.dialed]).toEqual([1, []])
    const records = Array.from({ length: 20 }, (_, i) => {
      const address = { host: '10.0.0.9', port: 1_000 + i }
      return signed({ addresses: [{ address }] })
    })
    put(
      one,
      peer,
      records.map(({ bytes }) => bytes),
    )
    for (const { publicKey } of records) hint(publicKey)
    expect(one.dialed).toHaveLength(9)
    expect(get(one, peer).total).toBe(20)
    expect(one.stats.ignoredHints).toBe(12)
  })
})

describe('a node', () => {
  test('drops and counts events it did not ask for', () => {
    const one = holder()
    const peer = provider(one)
    say(one, peer, { opcode: EVENT, write: writeSomeEvent })
    expect(one.stats.unexpectedEvents).toBe(1)
  })

  test('uses and forwards nothing of an answer that is not a valid record of the key', async () => {
    const one = holder()
    const [peer, near] = [verified(one), verified(one, 9_001)]
    const good = signed({ addresses: [{ address: { host: '10.0.0.7', port: 7 } }] })
    const bad = [
      forged(signed()),
      signed({ key: randomId(random) }).bytes,
      signed({ issued: WALL - 901_000 }).bytes,
      new Uint8Array(600),
    ]
    const found = one.discovery.resolve('hello', new AbortController())
    const questions = (): ScriptedPeer['questions'] =>
      [peer, near].flatMap((each) => each.questions).filter(({ opcode }) => opcode === GET)
    await one.clock.advance(0)
    expect(questions()).toHaveLength(2)
    questions()[0]?.onReply(0, answerOf(bad))
    expect(one.stats.invalid).toBe(4)
    questions()[1]?.onReply(0, answerOf([...bad, good.bytes]))
    await one.clock.advance(0)
    expect(one.dialed).toContain('10.0.0.7:7')
    // The one that had none is given a copy of what is valid, and of nothing else.
    const copies = peer.questions.filter(({ opcode }) => opcode === PUT)
    expect(copies).toHaveLength(1)
    expect(copies[0]?.body.remaining).toBe(1 + 2 + good.bytes.length)
    await one.clock.advance(10_000)
    for (const { onReply } of questions()) onReply(0, answerOf([]))
    await one.clock.advance(10_000)
    expect(await found).toEqual([])
  })

  test('counts a malformed answer as none, and the connection ends', async () => {
    const one = holder()
    const peer = verified(one)
    const found = one.discovery.resolve('hello', new AbortController())
    await one.clock.advance(0)
    const asked = peer.questions.find(({ opcode }) => opcode === GET)
    const wire = Uint8Array.of(0, 0, 21)
    expect(() => asked?.onReply(0, new Reader(wire))).toThrow(RemoteProtocolError)
    expect(await found).toEqual([])
  })

  test('hears anything at all and gives an answer or the peer’s error', () => {
    const one = holder()
    const peer = verified(one)
    const legacy = new ScriptedPeer({ version: 1 })
    one.discovery.connected(legacy)
    const record = signed().bytes
    const opcode = fc.constantFrom(PUT, GET, WATCH, EVENT, DOWN_HINT)
    const garbage = fc
      .uint8Array({ maxLength: 120, size: 'max' })
      .map((bytes) => Uint8Array.from(bytes))
    const almost = fc
      .nat(record.length)
      .map((cut) => bodyOf((writer) => writeRecords(writer, [record.subarray(0, cut)])).rest())
    fc.assert(
      fc.property(opcode, fc.oneof(garbage, almost), (code, bytes) => {
        const message = { seq: 1, opcode: code, body: new Reader(bytes) }
        const error = thrownBy(() => one.discovery.receive(peer, message))
        expect(error === undefined || error instanceof RemoteProtocolError).toBe(true)
        expect(one.discovery.receive(legacy, message)).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  test('that does without records says so', () => {
    const one = fixture()
    const peer = verified(one)
    expect(say(one, peer, { opcode: GET, write: writeSomeGet, seq: 1 })).toBe(false)
    expect(one.discovery.recordStats).toBeUndefined()
  })
})
