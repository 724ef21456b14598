import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FIND_NODE,
  FIND_NODE2,
  LEAVE,
  MAX_FOUND_LEGACY,
  PEERS,
  readContacts,
  readId,
  readPeersPage,
  SERVICES,
  writeContacts,
  writeFindNode,
  writeServices,
} from '../src/codec.ts'
import {
  type Address,
  type Contact,
  createDiscovery,
  type Discovery,
  type DiscoveryEvent,
  type Peer,
} from '../src/index.ts'
import { TestClock } from './support/clock.ts'
import {
  contactOf,
  names,
  nearId,
  randomId,
  seededRandom,
  sortedByDistance,
} from './support/ids.ts'

/** A peer that says what the test wants, and keeps what it is told. */
class ScriptedPeer implements Peer {
  readonly key: Uint8Array | undefined
  readonly address: Address | undefined
  readonly version: 1 | 2
  readonly services: readonly string[]
  readonly dialed: string | undefined
  readonly questions: {
    readonly opcode: number
    readonly body: Reader
    readonly onReply: OnReply
  }[] = []
  readonly answers: { readonly seq: number; readonly status: number; readonly body: Reader }[] = []
  readonly told: { readonly opcode: number; readonly body: Reader }[] = []
  retired = 0

  constructor(options: Partial<Pick<Peer, 'key' | 'address' | 'version' | 'services' | 'dialed'>>) {
    this.key = options.key
    this.address = options.address
    this.version = options.version ?? 2
    this.services = options.services ?? []
    this.dialed = options.dialed
  }

  request(opcode: number, write: (writer: Writer) => void, onReply: OnReply): void {
    this.questions.push({ opcode, body: bodyOf(write), onReply })
  }

  reply(seq: number, status: number, write: (writer: Writer) => void = () => undefined): void {
    this.answers.push({ seq, status, body: bodyOf(write) })
  }

  send(opcode: number, write: (writer: Writer) => void): void {
    this.told.push({ opcode, body: bodyOf(write) })
  }

  retire(): void {
    this.retired++
  }
}

type OnReply = (status: number, body?: Reader) => void

function bodyOf(write: (writer: Writer) => void): Reader {
  const writer = new Writer()
  write(writer)
  return new Reader(writer.copy())
}

interface Fixture {
  readonly discovery: Discovery
  readonly clock: TestClock
  readonly random: () => number
  readonly self: Uint8Array
  readonly dialed: string[]
  readonly events: DiscoveryEvent[]
}

function fixture(limits = {}): Fixture {
  const random = seededRandom(1)
  const self = randomId(random)
  const clock = new TestClock()
  const dialed: string[] = []
  const events: DiscoveryEvent[] = []
  const discovery = createDiscovery({
    self: { key: self },
    clock,
    random,
    limits,
    log: (event) => events.push(event),
    network: {
      connect: ({ address }) => {
        dialed.push(address)
        return new Promise(() => undefined)
      },
    },
  })
  discovery.start()
  return { discovery, clock, random, self, dialed, events }
}

/** Connects a v2 node that we dialed where it is. */
function verified(
  { discovery, random }: Fixture,
  port = 9_000,
  key = randomId(random),
): ScriptedPeer {
  const address = { host: '10.0.0.1', port }
  const peer = new ScriptedPeer({ key, address, dialed: `10.0.0.1:${port}` })
  discovery.connected(peer)
  return peer
}

function say(
  { discovery }: Fixture,
  peer: Peer,
  { opcode, write, seq = 0 }: { opcode: number; write: (writer: Writer) => void; seq?: number },
): boolean {
  return discovery.receive(peer, { seq, opcode, body: bodyOf(write) })
}

const nothing = (): void => undefined

describe('v1 FIND_NODE', () => {
  const ask = (one: Fixture, peer: ScriptedPeer, target: Uint8Array): Contact[] => {
    say(one, peer, { opcode: FIND_NODE, write: (writer) => writer.bytes(target), seq: 1 })
    const body = peer.answers.at(-1)?.body as Reader
    const contacts = Array.from({ length: body.u8() }, () => readId(body))
    body.expectEnd()
    return contacts
  }

  test('names the 16 nearest, the target left out, nearest first; a repeat gets nothing', () => {
    const one = fixture()
    const contacts = Array.from({ length: 30 }, (_, i) => verified(one, 9_000 + i)).map(({ key }) =>
      contactOf(key as Uint8Array),
    )
    const peer = new ScriptedPeer({ version: 1 })
    one.discovery.connected(peer)
    const target = (contacts[3] as Contact).key
    const nearest = sortedByDistance(contacts, target).slice(1, MAX_FOUND_LEGACY + 1)
    expect(names(ask(one, peer, target))).toEqual(names(nearest))
    expect(ask(one, peer, target)).toEqual([])
    const other = new ScriptedPeer({ version: 1 })
    one.discovery.connected(other)
    expect(ask(one, other, target)).toHaveLength(MAX_FOUND_LEGACY)
  })

  test('names no v1 peer: of two that know each other the 2020 SDK would ask for ever', () => {
    const one = fixture()
    const address = { host: '10.0.0.9', port: 9_000 }
    const [a, b] = [randomId(one.random), randomId(one.random)]
    const first = new ScriptedPeer({ version: 1, key: a, address, services: ['a'] })
    const second = new ScriptedPeer({ version: 1, key: b, address, dialed: '10.0.0.9:9000' })
    one.discovery.connected(first)
    one.discovery.connected(second)
    expect(ask(one, first, a)).toEqual([])
    expect(ask(one, second, b)).toEqual([])
    expect(one.discovery.providers('a')).toEqual([first])
  })

  test('remembers a bounded number of targets', () => {
    const one = fixture({ maxAnswered: 4 })
    verified(one)
    const peer = new ScriptedPeer({ version: 1 })
    one.discovery.connected(peer)
    const targets = Array.from({ length: 8 }, () => randomId(one.random))
    for (const target of targets) expect(ask(one, peer, target)).toHaveLength(1)
    expect(targets.map((target) => ask(one, peer, target).length)).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
  })

  test('all connections of a v1 peer are kept, and none is asked or told anything', () => {
    const one = fixture()
    const key = randomId(one.random)
    const peers = [1, 2, 3].map(() => new ScriptedPeer({ version: 1, key, services: ['old'] }))
    for (const peer of peers) one.discovery.connected(peer)
    one.discovery.setServices(['new'])
    one.discovery.stop()
    expect(one.discovery.providers('old')).toEqual(peers)
    for (const { told, questions, retired } of peers) {
      expect([told, questions, retired]).toEqual([[], [], 0])
    }
    for (const opcode of [FIND_NODE2, PEERS, SERVICES, LEAVE]) {
      expect(say(one, peers[0] as ScriptedPeer, { opcode, write: nothing })).toBe(false)
    }
  })
})

describe('FIND_NODE2', () => {
  test('names the nearest, the target too, of those with the capabilities asked for', () => {
    const one = fixture()
    const contacts = Array.from({ length: 30 }, (_, i) => verified(one, 9_000 + i)).map(({ key }) =>
      contactOf(key as Uint8Array),
    )
    const peer = verified(one, 8_000)
    const target = (contacts[5] as Contact).key
    const ask = (want: number, needed: number): Contact[] => {
      const write = (writer: Writer): void => writeFindNode(writer, { target, want, needed })
      say(one, peer, { opcode: FIND_NODE2, write, seq: 3 })
      return readContacts(peer.answers.at(-1)?.body as Reader, want)
    }
    const known = [...contacts, contactOf(peer.key as Uint8Array)]
    expect(names(ask(10, 1))).toEqual(names(sortedByDistance(known, target).slice(0, 10)))
    expect(names(ask(1, 0))).toEqual(names([contacts[5] as Contact]))
    expect(ask(32, 4)).toEqual([])
    expect(ask(0, 0)).toEqual([])
  })
})

describe('PEERS', () => {
  test('come in pages of 64 that together name each connected node once', () => {
    const one = fixture({ maxFullMesh: 1 })
    const random = seededRandom(9)
    // Spread over buckets, so that the table has room for all.
    const keys = Array.from({ length: 130 }, (_, i) => nearId(random, one.self, i % 12))
    const peers = keys.map((key, i) => verified(one, 9_000 + i, key))
    const connected = peers.filter(({ key }) => one.discovery.table.has(key as Uint8Array))
    const asker = peers.find(({ key }) =>
      one.discovery.table.has(key as Uint8Array),
    ) as ScriptedPeer
    const found: Contact[] = []
    let page = 0
    for (let more = true; more; page++) {
      const write = (writer: Writer): Writer => writer.u8(page)
      say(one, asker, { opcode: PEERS, write, seq: 5 })
      const answer = readPeersPage(asker.answers.at(-1)?.body as Reader)
      found.push(...answer.contacts)
      more = answer.more
    }
    const others = connected.filter((peer) => peer !== asker)
    expect(page).toBe(Math.ceil(others.length / 64))
    expect(names(found).toSorted()).toEqual(
      names(others.map(({ key }) => contactOf(key as Uint8Array))).toSorted(),
    )
    say(one, asker, { opcode: PEERS, write: (writer) => writer.u8(255), seq: 5 })
    expect(readPeersPage(asker.answers.at(-1)?.body as Reader)).toEqual({
      more: false,
      contacts: [],
    })
  })

  const named = (one: Fixture, count: number): Contact[] =>
    Array.from({ length: count }, (_, i) => contactOf(randomId(one.random), 20_000 + i))
  const answer = (contacts: readonly Contact[], more = 0): Reader =>
    bodyOf((writer) => writeContacts(writer.u8(more), contacts))

  test('whom a peer names is dialed; ourselves and whom we have are not', () => {
    const one = fixture()
    const peer = verified(one)
    const contacts = named(one, 3)
    const self = contactOf(one.self, 1)
    peer.questions[0]?.onReply(0, answer([self, contactOf(peer.key as Uint8Array, 2), ...contacts]))
    expect(one.dialed).toEqual(['10.0.0.1:20000', '10.0.0.1:20001', '10.0.0.1:20002'])
  })

  test('an answer that is malformed anywhere ends the connection before anybody is dialed', () => {
    const one = fixture()
    const peer = verified(one)
    const good = answer(named(one, 5)).rest()
    fc.assert(
      fc.property(fc.nat(good.length - 1), (cut) => {
        expect(() => peer.questions[0]?.onReply(0, new Reader(good.subarray(0, cut)))).toThrow(
          RemoteProtocolError,
        )
      }),
    )
    expect(() => peer.questions[0]?.onReply(0, new Reader(Uint8Array.of(...good, 0)))).toThrow(
      RemoteProtocolError,
    )
    expect(one.dialed).toEqual([])
  })

  test('no answer, or another status, changes nothing', () => {
    const one = fixture()
    const peer = verified(one)
    peer.questions[0]?.onReply(-1)
    peer.questions[0]?.onReply(7, answer(named(one, 1)))
    expect(one.dialed).toEqual([])
    expect(peer.questions).toHaveLength(1)
  })

  test('a peer that always has more is asked for four pages, and what it names is bounded', () => {
    const one = fixture({ maxFullMesh: 10 })
    const peer = verified(one)
    for (let i = 0; i < 10; i++) peer.questions[i]?.onReply(0, answer(named(one, 64), 1))
    expect(peer.questions.map(({ body }) => body.u8())).toEqual([0, 1, 2, 3])
    expect(one.dialed.length).toBeLessThanOrEqual(10)
  })
})

describe('SERVICES', () => {
  const change = (seq: bigint, added: readonly string[], removed: readonly string[] = []) => ({
    opcode: SERVICES,
    write: (writer: Writer) => writeServices(writer, { seq, added, removed }),
  })

  test('what is stale is ignored, what changes nothing is told to nobody', () => {
    const one = fixture()
    const peer = verified(one)
    say(one, peer, change(5n, ['a', 'b']))
    say(one, peer, change(5n, ['c']))
    say(one, peer, change(4n, [], ['a']))
    expect(one.discovery.servicesOf(peer)).toEqual(['a', 'b'])
    const { length } = one.events
    say(one, peer, change(6n, ['a'], ['z']))
    expect(one.events).toHaveLength(length)
    say(one, peer, change(7n, ['a'], ['a', 'b']))
    expect(one.discovery.servicesOf(peer)).toEqual(['a'])
  })

  test('a flood of names ends at the limit, with nothing of the last message taken over', () => {
    const one = fixture()
    const peer = verified(one)
    let seq = 0n
    const flood = (): void => {
      for (; seq < 100n; seq++) {
        say(
          one,
          peer,
          change(
            seq,
            Array.from({ length: 100 }, (_, i) => `${seq}-${i}`),
          ),
        )
      }
    }
    expect(flood).toThrow(expect.objectContaining({ code: 'FLATEND_KADEMLIA_LIMIT' }))
    expect(one.discovery.servicesOf(peer)).toHaveLength(4_000)
    expect(one.discovery.providers('40-0')).toEqual([])
    one.discovery.disconnected(peer)
    expect(one.discovery.providers('0-0')).toEqual([])
  })

  test('of a peer that left are not taken over', () => {
    const one = fixture()
    const peer = verified(one)
    say(one, peer, change(1n, ['a']))
    say(one, peer, { opcode: LEAVE, write: (writer) => writeContacts(writer, []) })
    say(one, peer, change(2n, ['b']))
    expect(one.discovery.providers('a')).toEqual([])
    expect(one.discovery.providers('b')).toEqual([])
  })

  test('are told on each connection with a number that only grows', () => {
    const one = fixture()
    const peer = verified(one)
    one.discovery.setServices(Array.from({ length: 250 }, (_, i) => `s${i}`))
    one.discovery.setServices(['s1'])
    expect(peer.told.map(({ opcode }) => opcode)).toEqual(Array(6).fill(SERVICES))
    const seqs = peer.told.map(({ body }) => body.u64())
    expect(seqs).toEqual(seqs.toSorted((a, b) => (a < b ? -1 : 1)))
    expect(new Set(seqs).size).toBe(6)
    one.discovery.setServices(['s1'])
    expect(peer.told).toHaveLength(6)
  })
})

describe('several connections to one node', () => {
  test('what the second said counts when the first is gone', () => {
    const one = fixture()
    const key = randomId(one.random)
    const [first, second] = [['old'], ['new']].map((services) => {
      const peer = new ScriptedPeer({ key, services })
      one.discovery.connected(peer)
      return peer
    }) as [ScriptedPeer, ScriptedPeer]
    expect(one.discovery.providers('new')).toEqual([second])
    expect(one.discovery.providers('old')).toEqual([])
    const write = (writer: Writer): void =>
      writeServices(writer, { seq: 1n, added: ['newer'], removed: [] })
    say(one, first, { opcode: SERVICES, write })
    expect(one.discovery.providers('newer')).toEqual([])
    // Both were dialed by the peer: it is the one to end one of them.
    expect([first.retired, second.retired]).toEqual([0, 0])
    one.discovery.disconnected(second)
    expect(one.discovery.providers('newer')).toEqual([first])
    expect(one.events.filter(({ type }) => type !== 'services-changed')).toHaveLength(1)
    one.discovery.disconnected(first)
    expect(one.discovery.providers('newer')).toEqual([])
    expect(one.events.at(-1)?.type).toBe('peer-left')
  })

  test('are bounded', () => {
    const one = fixture()
    const key = randomId(one.random)
    const peers = Array.from({ length: 10 }, () => new ScriptedPeer({ key }))
    for (const peer of peers) one.discovery.connected(peer)
    expect(peers.filter(({ retired }) => retired === 0)).toEqual(peers.slice(-4))
  })
})

describe('anything at all', () => {
  test('that a peer sends gives an answer or the peer’s error', () => {
    const one = fixture()
    const peer = verified(one)
    const legacy = new ScriptedPeer({ version: 1 })
    one.discovery.connected(legacy)
    const opcode = fc.constantFrom(FIND_NODE, FIND_NODE2, PEERS, SERVICES, LEAVE, 0x11, 0x99)
    fc.assert(
      fc.property(opcode, fc.uint8Array({ maxLength: 120 }), fc.boolean(), (code, bytes, old) => {
        const body = new Reader(Uint8Array.from(bytes))
        try {
          one.discovery.receive(old ? legacy : peer, { seq: 1, opcode: code, body })
        } catch (error) {
          expect(error).toBeInstanceOf(RemoteProtocolError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('of somebody unknown, or of another layer, is not ours', () => {
    const one = fixture()
    const stranger = new ScriptedPeer({ key: randomId(one.random) })
    expect(say(one, stranger, { opcode: PEERS, write: (writer) => writer.u8(0) })).toBe(false)
    const peer = verified(one)
    expect(say(one, peer, { opcode: 0x11, write: nothing })).toBe(false)
    expect(say(one, peer, { opcode: FIND_NODE, write: nothing })).toBe(false)
    one.discovery.disconnected(stranger)
    expect(one.events.map(({ type }) => type)).toEqual(['peer-joined'])
  })
})

describe('a lookup', () => {
  const start = (one: Fixture): { peer: ScriptedPeer; result: Promise<Contact[]> } => {
    const peer = verified(one)
    peer.questions.length = 0
    const { signal } = new AbortController()
    return { peer, result: one.discovery.lookup(randomId(one.random), { signal }) }
  }

  test('counts a malformed answer as none, and the connection ends', async () => {
    const one = fixture()
    const { peer, result } = start(one)
    const onReply = peer.questions[0]?.onReply
    expect(() => onReply?.(0, new Reader(Uint8Array.of(9)))).toThrow(RemoteProtocolError)
    expect(await result).toEqual([])
    expect(one.discovery.table.failures(peer.key as Uint8Array)).toBe(1)
  })

  test('does not wait for somebody who never answers, nor for a dial that never ends', async () => {
    const one = fixture()
    const { peer, result } = start(one)
    const named = contactOf(randomId(one.random), 5)
    peer.questions[0]?.onReply(
      0,
      bodyOf((writer) => writeContacts(writer, [named])),
    )
    expect(one.dialed).toEqual(['10.0.0.1:5'])
    await one.clock.advance(3_000)
    expect(names(await result)).toEqual(names([contactOf(peer.key as Uint8Array)]))
    const { signal } = new AbortController()
    const second = one.discovery.lookup(named.key, { signal })
    await one.clock.advance(3_000)
    expect(await second).toEqual([])
  })
})
