import { describe, expect, test } from 'vitest'
import { FIND_NODE2, PUT, writeContacts } from '../src/codec.ts'
import type { Address } from '../src/contact.ts'
import {
  type RecordAddress,
  type SignedRecord,
  tryReadRecord,
  verifyRecord,
} from '../src/record.ts'
import { readPut, writePutAnswers } from '../src/record-codec.ts'
import { randomId, seededRandom } from './support/ids.ts'
import { WALL } from './support/record-mesh.ts'
import { hash, signerOf, verify } from './support/records.ts'
import {
  bodyOf,
  type Fixture,
  fixture,
  type ScriptedPeer,
  verified,
} from './support/scripted-peer.ts'

interface Taken {
  readonly peer: ScriptedPeer
  readonly record: SignedRecord
  readonly at: number
}

/** What a peer says to a record: a status and seconds, or nothing at all. */
type Policy = (peer: ScriptedPeer) => { readonly status: number; readonly seconds: number } | null

const STORED = { status: 0, seconds: 900 }

/** A node that offers `hello` to peers which know of each other, and take records by a policy. */
class Neighbourhood {
  readonly one: Fixture
  readonly peers: readonly ScriptedPeer[]
  readonly taken: Taken[] = []
  readonly #answered = new Set<unknown>()
  readonly #policy: Policy

  constructor(
    count: number,
    policy: Policy = () => STORED,
    {
      services = ['hello'],
      address = { host: '10.0.0.2', port: 9_000 },
    }: { readonly services?: readonly string[]; readonly address?: Address | null } = {},
  ) {
    const publicKey = randomId(seededRandom(31))
    this.#policy = policy
    const clock = { now: (): number => 0 }
    this.one = fixture({ maxFullMesh: 64, probeMs: 0 }, undefined, {
      self: { key: publicKey, ...(address ? { address } : {}) },
      services,
      records: {
        signer: signerOf(publicKey),
        verify,
        hash,
        wallNow: () => WALL + clock.now(),
      },
    })
    clock.now = () => this.one.clock.now()
    this.peers = Array.from({ length: count }, (_, i) => verified(this.one, 9_100 + i))
  }

  /** Lets time pass, with answers 10 ms after each question. */
  async pass(ms: number): Promise<void> {
    const end = this.one.clock.now() + ms
    while (this.one.clock.now() < end) {
      await this.one.clock.advance(10)
      for (const peer of this.peers) this.#answer(peer)
    }
  }

  #answer(peer: ScriptedPeer): void {
    for (const question of peer.questions) {
      if (this.#answered.has(question)) continue
      this.#answered.add(question)
      const { opcode, body, onReply } = question
      if (opcode === FIND_NODE2) {
        onReply(
          0,
          bodyOf((writer) => writeContacts(writer, [])),
        )
      }
      if (opcode !== PUT) continue
      const record = tryReadRecord(readPut(body)[0] as Uint8Array) as SignedRecord
      this.taken.push({ peer, record, at: this.one.clock.now() })
      const answer = this.#policy(peer)
      if (!answer) onReply(7)
      else
        onReply(
          0,
          bodyOf((writer) => writePutAnswers(writer, [answer])),
        )
    }
  }
}

const relay = (port: number): RecordAddress => ({
  address: { host: '10.0.0.9', port },
  relay: new Uint8Array(32).fill(7),
})

const seqs = (taken: readonly Taken[]): bigint[] => [
  ...new Set(taken.map(({ record }) => record.seq)),
]

describe('a node publishes what it offers', () => {
  test('to the 16 nearest, and again after about five minutes, with a number that grows', async () => {
    const all = new Neighbourhood(30)
    await all.pass(1_000)
    expect(new Set(all.taken.map(({ peer }) => peer)).size).toBe(16)
    expect(all.taken).toHaveLength(16)
    for (const { record } of all.taken) {
      expect(verifyRecord(record, verify)).toBe(true)
      expect(record).toMatchObject({ ttl: 900, tombstone: false, issued: expect.any(Number) })
      expect(record.addresses).toEqual([{ address: { host: '10.0.0.2', port: 9_000 } }])
    }
    await all.pass(265_000)
    expect(all.taken).toHaveLength(16)
    await all.pass(70_000)
    expect(all.taken).toHaveLength(32)
    const [first, second] = seqs(all.taken) as [bigint, bigint]
    expect(second).toBeGreaterThan(first)
    expect(all.one.discovery.recordStats?.published).toBe(32)
  })

  test('to the next-nearest where one is full, keeps no records, or takes none', async () => {
    const refusals = [{ status: 1, seconds: 100 }, null, { status: 10, seconds: 0 }]
    const refusing = new Map<ScriptedPeer, ReturnType<Policy>>()
    const all = new Neighbourhood(30, (peer) => {
      if (refusing.size < refusals.length) refusing.set(peer, refusals[refusing.size] ?? null)
      return refusing.has(peer) ? (refusing.get(peer) ?? null) : STORED
    })
    await all.pass(1_000)
    expect(new Set(all.taken.map(({ peer }) => peer)).size).toBe(19)
    expect(all.one.discovery.recordStats?.published).toBe(16)
  })

  test('sooner again where few took it, and less and less often', async () => {
    const all = new Neighbourhood(3)
    await all.pass(120_000)
    const times = all.taken.filter(({ peer }) => peer === all.taken[0]?.peer).map(({ at }) => at)
    const waits = times.slice(1).map((at, i) => at - (times[i] as number))
    expect(waits).toHaveLength(4)
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan(5_000 * 2 ** i * 0.89)
      expect(wait).toBeLessThan(5_000 * 2 ** i * 1.11 + 100)
    }
  })

  test('at once when that changes, but a service that comes and goes only once a second', async () => {
    const all = new Neighbourhood(20, undefined, { services: [] })
    await all.pass(100)
    expect(all.taken).toEqual([])
    for (let i = 0; i < 200; i++) {
      all.one.discovery.setServices(i % 2 === 0 ? ['flaps'] : [])
      await all.pass(10)
    }
    expect(seqs(all.taken).length).toBeLessThanOrEqual(4)
    await all.pass(3_000)
    expect(all.taken.at(-1)?.record.tombstone).toBe(true)
    const { length } = all.taken
    await all.pass(400_000)
    expect(all.taken).toHaveLength(length)
  })

  test('and withdraws it from all who have it when it stops', async () => {
    const all = new Neighbourhood(20)
    await all.pass(1_000)
    const holders = new Set(all.taken.map(({ peer }) => peer))
    all.one.discovery.stop()
    await all.pass(100)
    const withdrawn = all.taken.filter(({ record }) => record.tombstone)
    expect(new Set(withdrawn.map(({ peer }) => peer))).toEqual(holders)
    await all.pass(400_000)
    expect(all.taken).toHaveLength(32)
    expect(all.one.clock.pending).toBe(0)
  })

  test('by its relays, while it has any and cannot be dialed itself', async () => {
    const all = new Neighbourhood(3, undefined, { address: null })
    await all.pass(1_000)
    expect(all.taken).toEqual([])
    const relays = [9_001, 9_002].map(relay)
    all.one.discovery.setReached(relays)
    await all.pass(2_000)
    expect(all.taken).toHaveLength(3)
    for (const { record } of all.taken) {
      expect(verifyRecord(record, verify)).toBe(true)
      expect(record).toMatchObject({ relayed: true, addresses: relays })
    }
    all.one.discovery.setReached(relays.slice(1))
    await all.pass(2_000)
    expect(all.taken.at(-1)?.record.addresses).toEqual(relays.slice(1))
    all.one.discovery.setReached([])
    await all.pass(2_000)
    const { length } = all.taken
    expect(all.taken.slice(-3).every(({ record }) => record.tombstone)).toBe(true)
    await all.pass(700_000)
    expect(all.taken).toHaveLength(length)
  })

  test('by its own address first, and four in all', async () => {
    const all = new Neighbourhood(1)
    all.one.discovery.setReached([1, 2, 3, 4].map(relay))
    await all.pass(3_000)
    expect(all.taken.at(-1)?.record.addresses).toEqual([
      { address: { host: '10.0.0.2', port: 9_000 } },
      ...[1, 2, 3].map(relay),
    ])
  })

  test('and stays connected to who has it, so that it can', async () => {
    const all = new Neighbourhood(120)
    await all.pass(1_000)
    const holders = new Set(all.taken.map(({ peer }) => peer))
    await all.pass(200_000)
    expect([...holders].every(({ retired }) => retired === 0)).toBe(true)
    expect(all.peers.filter(({ retired }) => retired > 0).length).toBeGreaterThan(40)
  })

  test('but not without an address: there is nothing to tell', async () => {
    const publicKey = randomId(seededRandom(32))
    const one = fixture({}, undefined, {
      self: { key: publicKey },
      services: ['hello'],
      records: { signer: signerOf(publicKey), verify, hash, wallNow: () => WALL },
    })
    const peer = verified(one)
    await one.clock.advance(10_000)
    expect(peer.questions.some(({ opcode }) => opcode === PUT)).toBe(false)
  })
})
