import { RemoteProtocolError, type Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { LEAVE, PEERS, SERVICES, writeContacts, writeServices } from '../src/codec.ts'
import type { Contact } from '../src/index.ts'
import { meshOf } from './support/full-mesh.ts'
import { contactOf, randomId, thrownBy } from './support/ids.ts'
import type { TestNode } from './support/mesh.ts'
import {
  bodyOf,
  type Fixture,
  fixture,
  ScriptedPeer,
  say,
  verified,
} from './support/scripted-peer.ts'

const refused = (): Promise<never> => Promise.reject(new Error('refused'))

/** Addresses where nobody is. */
function invented({ random }: Fixture, count: number): Contact[] {
  return Array.from({ length: count }, (_, i) => ({
    ...contactOf(randomId(random), 20_000 + i),
    address: { host: `10.9.${Math.floor(random() * 256)}.${i}`, port: 20_000 },
  }))
}

const names = (peer: ScriptedPeer, contacts: readonly Contact[]): void =>
  peer.questions[0]?.onReply(
    0,
    bodyOf((writer) => writeContacts(writer.u8(0), contacts)),
  )

const leaves = (one: Fixture, peer: ScriptedPeer, contacts: readonly Contact[]): boolean =>
  say(one, peer, { opcode: LEAVE, write: (writer) => writeContacts(writer, contacts) })

/** Somebody connects and says where he is. */
function joins({ discovery, random }: Fixture, host: string): ScriptedPeer {
  const peer = new ScriptedPeer({ key: randomId(random), address: { host, port: 9_000 } })
  discovery.connected(peer)
  return peer
}

describe('addresses that peers name', () => {
  test('are dialed 16 at a time for each peer, whatever way it names them', () => {
    const one = fixture()
    const [liar, leaver] = [verified(one), verified(one, 9_001)]
    names(liar, invented(one, 60))
    expect(one.dialed).toHaveLength(16)
    names(liar, invented(one, 60))
    leaves(one, liar, invented(one, 60))
    expect(one.dialed).toHaveLength(16)
    leaves(one, leaver, invented(one, 60))
    expect(one.dialed).toHaveLength(32)
  })

  test('make room for others once somebody answered there', async () => {
    const found: Fixture = fixture({}, async (address) => {
      const [host = '', port] = address.split(':')
      const key = keys.get(address)
      if (!key) return await refused()
      const peer = new ScriptedPeer({ key, address: { host, port: Number(port) }, dialed: address })
      found.discovery.connected(peer)
      return peer
    })
    const honest = verified(found)
    const contacts = invented(found, 40)
    const keys = new Map(
      contacts.map(({ key, address: { host, port } }) => [`${host}:${port}`, key]),
    )
    for (let i = 0; i < 3; i++) {
      names(honest, contacts)
      await found.clock.advance(10)
    }
    expect(new Set(found.dialed).size).toBe(40)
  })

  test('give way to nodes that came themselves, however many peers named them', () => {
    const one = fixture({ maxDialers: 32, maxProbes: 0 })
    for (let i = 0; i < 4; i++) names(verified(one, 9_000 + i), invented(one, 60))
    expect(one.dialed).toHaveLength(32)
    for (let i = 0; i < 32; i++) joins(one, `10.1.0.${i}`)
    expect(one.dialed.slice(32)).toEqual(Array.from({ length: 32 }, (_, i) => `10.1.0.${i}:9000`))
    // Nobody of these has had his try yet.
    joins(one, '10.1.1.1')
    expect(one.dialed).toHaveLength(64)
  })

  test('are given up after 15 s where nobody ever answered', async () => {
    const one = fixture({}, refused)
    names(verified(one), invented(one, 16))
    await one.clock.advance(60_000)
    const dials = one.dialed.length
    expect(dials).toBeLessThan(16 * 9)
    await one.clock.advance(600_000)
    expect(one.dialed).toHaveLength(dials)
    expect(one.events.filter(({ type }) => type === 'dial-abandoned')).toHaveLength(16)
  })

  test('are left to the node that is there, where somebody named another', () => {
    const one = fixture()
    const liar = verified(one)
    names(liar, [
      { ...contactOf(randomId(one.random)), address: { host: '10.1.0.1', port: 9_000 } },
    ])
    joins(one, '10.1.0.1')
    expect(one.dialed).toEqual(['10.1.0.1:9000', '10.1.0.1:9000'])
  })

  test('count once for a node that was named and came', () => {
    const one = fixture({ maxDialers: 1, maxProbes: 0 })
    const liar = verified(one)
    const contact = {
      ...contactOf(randomId(one.random)),
      address: { host: '10.1.0.1', port: 9_000 },
    }
    names(liar, [contact])
    const came = new ScriptedPeer({ key: contact.key, address: contact.address })
    one.discovery.connected(came)
    joins(one, '10.1.0.2')
    expect(one.dialed).toEqual(['10.1.0.1:9000'])
  })
})

describe('nodes that say they are where nobody answers', () => {
  test('keep no honest one from being dialed back', async () => {
    const one = fixture({ maxDialers: 8 }, refused)
    for (let i = 0; i < 50; i++) {
      joins(one, `10.2.0.${i}`)
      await one.clock.advance(1)
    }
    joins(one, '10.1.0.1')
    expect(one.dialed).toHaveLength(51)
    expect(one.dialed.at(-1)).toBe('10.1.0.1:9000')
  })

  test('have one such place each', () => {
    const one = fixture({ maxDialers: 2 })
    const key = randomId(one.random)
    for (let port = 1; port <= 5; port++)
      one.discovery.connected(new ScriptedPeer({ key, address: { host: '10.2.0.1', port } }))
    joins(one, '10.1.0.1')
    expect(one.dialed.at(-1)).toBe('10.1.0.1:9000')
  })

  test('are dialed no more when they are gone', async () => {
    const mesh = meshOf(4, 2)
    const liar = mesh.node({ host: '10.0.9.9', seeds: ['10.0.0.1:9000'] })
    for (const node of mesh.nodes.slice(0, 2)) node.start()
    liar.discovery.start()
    await mesh.clock.advance(5_000)
    const [first] = mesh.nodes as [TestNode]
    expect(first.dialed).toContain('10.0.9.9:9000')
    liar.crash()
    await mesh.clock.advance(100)
    first.dialed.length = 0
    await mesh.clock.advance(600_000)
    expect(first.dialed).not.toContain('10.0.9.9:9000')
  })
})

function services(one: Fixture, peer: ScriptedPeer, seq: number): boolean {
  const change = { seq: BigInt(seq), added: [`${seq % 2}`], removed: [`${(seq + 1) % 2}`] }
  return say(one, peer, { opcode: SERVICES, write: (writer) => writeServices(writer, change) })
}

function saidUntilEnded(task: (i: number) => unknown): { said: number; error: unknown } {
  for (let said = 0; said < 20_000; said++) {
    const error = thrownBy(() => task(said))
    if (error) return { said, error }
  }
  return { said: 20_000, error: undefined }
}

const pageZero = (writer: Writer): Writer => writer.u8(0)
const large = (writer: Writer): Writer => writer.bytes(new Uint8Array(25_600))

describe('messages', () => {
  test('without end end the connection', () => {
    const one = fixture()
    const peer = verified(one)
    const { said, error } = saidUntilEnded((i) => services(one, peer, i))
    expect(error).toBeInstanceOf(RemoteProtocolError)
    expect(error).toMatchObject({ code: 'FLATEND_KADEMLIA_FLOOD' })
    expect(said).toBeGreaterThan(5_000)
    expect(said).toBeLessThanOrEqual(16_384)
  })

  test('at the pace that is allowed go on for ever', async () => {
    const one = fixture({ messageBurst: 40, messagesPerSecond: 21 })
    const peer = verified(one)
    for (let i = 0; i < 200; i++) {
      services(one, peer, i)
      await one.clock.advance(150)
    }
    expect(one.discovery.servicesOf(peer)).toEqual(['1'])
  })

  test('weigh by their size and by what they cost; unknown ones weigh too', () => {
    const flood = { code: 'FLATEND_KADEMLIA_FLOOD' }
    const peers = fixture()
    const asker = verified(peers)
    const asked = saidUntilEnded(() =>
      say(peers, asker, { opcode: PEERS, write: pageZero, seq: 1 }),
    )
    expect(asked).toMatchObject({ said: 127, error: flood })

    const unknown = fixture()
    const peer = verified(unknown)
    const told = saidUntilEnded(() => say(unknown, peer, { opcode: 0x7f, write: large }))
    expect(told).toMatchObject({ said: 630, error: flood })
  })
})
