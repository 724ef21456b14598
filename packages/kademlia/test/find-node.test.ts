import { Reader, RemoteProtocolError, type Writer } from '@flatend/wire'
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
  SERVICES,
  writeContacts,
  writeFindNode,
} from '../src/codec.ts'
import type { Contact } from '../src/index.ts'
import { contactOf, names, randomId, sortedByDistance, thrownBy } from './support/ids.ts'
import {
  bodyOf,
  type Fixture,
  fixture,
  ScriptedPeer,
  say,
  verified,
} from './support/scripted-peer.ts'

const nothing = (): void => undefined

const askLegacy = (one: Fixture, peer: ScriptedPeer, target: Uint8Array): Contact[] => {
  say(one, peer, { opcode: FIND_NODE, write: (writer) => writer.bytes(target), seq: 1 })
  const body = peer.answers.at(-1)?.body as Reader
  const contacts = Array.from({ length: body.u8() }, () => readId(body))
  body.expectEnd()
  return contacts
}

const start = (one: Fixture): { peer: ScriptedPeer; result: Promise<Contact[]> } => {
  const peer = verified(one)
  peer.questions.length = 0
  const { signal } = new AbortController()
  return { peer, result: one.discovery.lookup(randomId(one.random), { signal }) }
}

describe('v1 FIND_NODE', () => {
  test('names the 16 nearest, the target left out, nearest first; a repeat gets nothing', () => {
    const one = fixture()
    const contacts = Array.from({ length: 30 }, (_, i) => verified(one, 9_000 + i)).map(({ key }) =>
      contactOf(key as Uint8Array),
    )
    const peer = new ScriptedPeer({ version: 1 })
    one.discovery.connected(peer)
    const target = (contacts[3] as Contact).key
    const nearest = sortedByDistance(contacts, target).slice(1, MAX_FOUND_LEGACY + 1)
    expect(names(askLegacy(one, peer, target))).toEqual(names(nearest))
    expect(askLegacy(one, peer, target)).toEqual([])
    const other = new ScriptedPeer({ version: 1 })
    one.discovery.connected(other)
    expect(askLegacy(one, other, target)).toHaveLength(MAX_FOUND_LEGACY)
  })

  test('names no v1 peer: of two that know each other the 2020 SDK would ask for ever', () => {
    const one = fixture()
    const address = { host: '10.0.0.9', port: 9_000 }
    const [a, b] = [randomId(one.random), randomId(one.random)]
    const first = new ScriptedPeer({ version: 1, key: a, address, services: ['a'] })
    const second = new ScriptedPeer({ version: 1, key: b, address, dialed: '10.0.0.9:9000' })
    one.discovery.connected(first)
    one.discovery.connected(second)
    expect(askLegacy(one, first, a)).toEqual([])
    expect(askLegacy(one, second, b)).toEqual([])
    expect(one.discovery.providers('a')).toEqual([first])
  })

  test('makes a v1 peer that came to us a provider: the 2020 Go SDK panics on a call before it', async () => {
    const one = fixture()
    const peers = [1, 2, 3].map(() => new ScriptedPeer({ version: 1, services: ['old'] }))
    for (const peer of peers) one.discovery.connected(peer)
    const [asks, waits, leaves] = peers as [ScriptedPeer, ScriptedPeer, ScriptedPeer]
    expect(one.discovery.providers('old')).toEqual([])
    askLegacy(one, asks, one.self)
    expect(one.discovery.providers('old')).toEqual([asks])
    one.discovery.disconnected(leaves)
    await one.clock.advance(500)
    expect(one.discovery.providers('old')).toEqual([asks, waits])
    askLegacy(one, waits, one.self)
    expect(one.discovery.providers('old')).toEqual([asks, waits])
    const dialed = new ScriptedPeer({ version: 1, services: ['old'], dialed: '10.0.0.9:9000' })
    one.discovery.connected(dialed)
    expect(one.discovery.providers('old')).toEqual([asks, waits, dialed])
  })

  test('remembers a bounded number of targets', () => {
    const one = fixture({ maxAnswered: 4 })
    verified(one)
    const peer = new ScriptedPeer({ version: 1 })
    one.discovery.connected(peer)
    const targets = Array.from({ length: 8 }, () => randomId(one.random))
    for (const target of targets) expect(askLegacy(one, peer, target)).toHaveLength(1)
    expect(targets.map((target) => askLegacy(one, peer, target).length)).toEqual([
      0, 0, 0, 0, 1, 1, 1, 1,
    ])
  })

  test('all connections of a v1 peer are kept, and none is asked or told anything', async () => {
    const one = fixture()
    const key = randomId(one.random)
    const peers = [1, 2, 3].map(() => new ScriptedPeer({ version: 1, key, services: ['old'] }))
    for (const peer of peers) one.discovery.connected(peer)
    await one.clock.advance(500)
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

describe('anything at all', () => {
  test('that a peer sends gives an answer or the peer’s error', () => {
    const one = fixture()
    const peer = verified(one)
    const legacy = new ScriptedPeer({ version: 1 })
    one.discovery.connected(legacy)
    const opcode = fc.constantFrom(FIND_NODE, FIND_NODE2, PEERS, SERVICES, LEAVE, 0x11, 0x99)
    fc.assert(
      fc.property(
        opcode,
        fc.uint8Array({ maxLength: 120, size: 'max' }),
        fc.boolean(),
        (code, bytes, old) => {
          const body = new Reader(Uint8Array.from(bytes))
          const from = old ? legacy : peer
          const error = thrownBy(() => one.discovery.receive(from, { seq: 1, opcode: code, body }))
          expect(error === undefined || error instanceof RemoteProtocolError).toBe(true)
        },
      ),
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
