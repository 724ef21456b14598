import { Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LEAVE,
  PEERS,
  readPeersPage,
  SERVICES,
  writeContacts,
  writeServices,
} from '../src/codec.ts'
import type { Contact } from '../src/index.ts'
import { contactOf, names, nearId, randomId, seededRandom } from './support/ids.ts'
import {
  bodyOf,
  type Fixture,
  fixture,
  ScriptedPeer,
  say,
  verified,
} from './support/scripted-peer.ts'

const named = (one: Fixture, count: number): Contact[] =>
  Array.from({ length: count }, (_, i) => contactOf(randomId(one.random), 20_000 + i))

const page = (contacts: readonly Contact[], more = 0): Reader =>
  bodyOf((writer) => writeContacts(writer.u8(more), contacts))

const change = (seq: bigint, added: readonly string[], removed: readonly string[] = []) => ({
  opcode: SERVICES,
  write: (writer: Writer) => writeServices(writer, { seq, added, removed }),
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
    let at = 0
    for (let more = true; more; at++) {
      const write = (writer: Writer): Writer => writer.u8(at)
      say(one, asker, { opcode: PEERS, write, seq: 5 })
      const answer = readPeersPage(asker.answers.at(-1)?.body as Reader)
      found.push(...answer.contacts)
      more = answer.more
    }
    const others = connected.filter((peer) => peer !== asker)
    expect(at).toBe(Math.ceil(others.length / 64))
    expect(names(found).toSorted()).toEqual(
      names(others.map(({ key }) => contactOf(key as Uint8Array))).toSorted(),
    )
    say(one, asker, { opcode: PEERS, write: (writer) => writer.u8(255), seq: 5 })
    expect(readPeersPage(asker.answers.at(-1)?.body as Reader)).toEqual({
      more: false,
      contacts: [],
    })
  })

  test('whom a peer names is dialed; ourselves and whom we have are not', () => {
    const one = fixture()
    const peer = verified(one)
    const contacts = named(one, 3)
    const self = contactOf(one.self, 1)
    peer.questions[0]?.onReply(0, page([self, contactOf(peer.key as Uint8Array, 2), ...contacts]))
    expect(one.dialed).toEqual(['10.0.0.1:20000', '10.0.0.1:20001', '10.0.0.1:20002'])
  })

  test('an answer that is malformed anywhere ends the connection before anybody is dialed', () => {
    const one = fixture()
    const peer = verified(one)
    const good = page(named(one, 5)).rest()
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
    peer.questions[0]?.onReply(7, page(named(one, 1)))
    expect(one.dialed).toEqual([])
    expect(peer.questions).toHaveLength(1)
  })

  test('a peer that always has more is asked for four pages, and what it names is bounded', () => {
    const one = fixture({ maxFullMesh: 10 })
    const peer = verified(one)
    for (let i = 0; i < 10; i++) peer.questions[i]?.onReply(0, page(named(one, 2), 1))
    expect(peer.questions.map(({ body }) => body.u8())).toEqual([0, 1, 2, 3])
    expect(one.dialed).toHaveLength(2)
  })

  test('who has as many connections as it wants asks nobody', () => {
    const one = fixture({ maxFullMesh: 10 })
    const peer = verified(one)
    for (let i = 0; i < 10; i++) peer.questions[i]?.onReply(0, page(named(one, 64), 1))
    expect(peer.questions).toHaveLength(1)
    expect(one.dialed).toHaveLength(9)
    expect(verified(one, 1).questions).toEqual([])
  })
})

describe('SERVICES', () => {
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
    say(one, first, change(1n, ['newer']))
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

  test.each([
    ['the new one', ['10.0.0.1:9000', '10.0.0.1:9000'], [true, false]],
    ['the one that the smaller key dialed', [undefined, '10.0.0.1:9000'], [true, false]],
    ['the one that the smaller key dialed first', ['10.0.0.1:9000', undefined], [false, true]],
  ])('one ends when the peer spoke over that which is kept: %s', (_, dialed, ends) => {
    const one = fixture()
    // We are the smaller key.
    const key = new Uint8Array(32).fill(255)
    const peers = dialed.map((address) => {
      const peer = new ScriptedPeer({ key, ...(address === undefined ? {} : { dialed: address }) })
      one.discovery.connected(peer)
      return peer
    })
    const retired = () => peers.map((peer) => peer.retired > 0)
    // Its calls may be under way over either.
    expect(retired()).toEqual([false, false])
    say(one, peers[ends.indexOf(true)] as ScriptedPeer, change(1n, ['a']))
    expect(retired()).toEqual([false, false])
    say(one, peers[ends.indexOf(false)] as ScriptedPeer, change(2n, ['b']))
    expect(retired()).toEqual(ends)
    say(one, peers[ends.indexOf(false)] as ScriptedPeer, change(3n, ['c']))
    expect(peers.map((peer) => peer.retired)).toEqual(ends.map(Number))
  })

  test('those replaced before the peer spoke all end when it does', () => {
    const one = fixture()
    const key = randomId(one.random)
    const peers = [1, 2, 3].map(() => new ScriptedPeer({ key, dialed: '10.0.0.1:9000' }))
    for (const peer of peers) one.discovery.connected(peer)
    say(one, peers[2] as ScriptedPeer, change(1n, ['a']))
    expect(peers.map(({ retired }) => retired)).toEqual([1, 1, 0])
  })

  test('are bounded', () => {
    const one = fixture()
    const key = randomId(one.random)
    const peers = Array.from({ length: 10 }, () => new ScriptedPeer({ key }))
    for (const peer of peers) one.discovery.connected(peer)
    expect(peers.filter(({ retired }) => retired === 0)).toEqual(peers.slice(-4))
  })
})
