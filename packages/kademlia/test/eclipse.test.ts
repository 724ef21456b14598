import { describe, expect, test } from 'vitest'
import { FIND_NODE2, GET, PUT, writeContacts } from '../src/codec.ts'
import {
  type Contact,
  createDiscovery,
  type Discovery,
  type DiscoveryOptions,
  type Profile,
  serviceKey,
  toHex,
} from '../src/index.ts'
import { nearId, randomId, sortedByDistance } from './support/ids.ts'
import type { TestNode, TestNodeOptions } from './support/mesh.ts'
import { RecordMesh } from './support/record-mesh.ts'
import { hash, signerOf, verify } from './support/records.ts'

const SERVICE = 'coveted'
const HONEST = 40
const ATTACKERS = 24

/** Takes every record and gives none; names its like, nearest first. */
function swallowing(
  options: DiscoveryOptions,
  gang: readonly Contact[],
  target: Uint8Array,
): Discovery {
  const own = createDiscovery(options)
  const receive: Discovery['receive'] = (peer, message) => {
    const { opcode, seq, body } = message
    if (opcode === GET || opcode === FIND_NODE2) {
      body.bytes(body.remaining)
      const named = sortedByDistance(gang, target).slice(0, 16)
      peer.reply(seq, 0, (writer) => {
        if (opcode === GET) writer.u16(0).u8(0)
        writeContacts(writer, named)
      })
      return true
    }
    if (opcode !== PUT) return own.receive(peer, message)
    const count = body.u8()
    body.bytes(body.remaining)
    peer.reply(seq, 0, (writer) => {
      writer.u8(count)
      for (let i = 0; i < count; i++) writer.u8(0).u32(900)
    })
    return true
  }
  return new Proxy(own, {
    get: (target_, name) => {
      if (name === 'receive') return receive
      const value: unknown = Reflect.get(target_, name)
      return typeof value === 'function' ? value.bind(target_) : value
    },
  })
}

/** A mesh in which one /24 has ground ids all around a service's key; whether the service is found. */
async function attack(profile: Profile, seed: number): Promise<readonly string[]> {
  const mesh = new RecordMesh(seed)
  const target = serviceKey(SERVICE, hash)
  const gang: Contact[] = []
  const node = (host: string, key: Uint8Array, more: TestNodeOptions = {}): TestNode =>
    mesh
      .node({
        host,
        key,
        seeds: mesh.nodes.length === 0 ? [] : ['8.1.0.1:9000'],
        records: { signer: signerOf(key), verify, hash, wallNow: () => mesh.clock.now() },
        limits: { maxFullMesh: 4 },
        profile,
        ...more,
      })
      .start()
  for (let i = 0; i < HONEST; i++) {
    node(`8.${1 + (i >> 7)}.${i & 127}.1`, randomId(mesh.random))
    await mesh.clock.advance(20)
  }
  for (let i = 0; i < ATTACKERS; i++) {
    // Spread over twelve buckets, all nearer than the nearest honest ones.
    const key = nearId(mesh.random, target, 8 + (i >> 1))
    const host = `203.0.113.${i + 1}`
    gang.push({ key, address: { host, port: 9_000 }, capabilities: 3 })
    node(host, key, { discover: (options) => swallowing(options, gang, target) })
    await mesh.clock.advance(20)
  }
  await mesh.clock.advance(5_000)
  const provider = node('9.9.9.9', randomId(mesh.random), { services: [SERVICE] })
  await mesh.clock.advance(10_000)
  const asking = mesh.nodes
    .slice(1, HONEST)
    .find((one) => !one.peers().includes(toHex(provider.key)))
  if (!asking) throw new Error('everybody is connected')
  const found = await mesh.resolve(asking, SERVICE, 60_000)
  return found.map((key) => (key === toHex(provider.key) ? 'provider' : key))
}

describe('a /24 with ids ground around the key of a service', () => {
  test('hides it from a mesh that trusts everybody', async () => {
    expect(await attack('trusted', 1)).toEqual([])
  })

  test.each([1, 3])('does not in an open one (seed %i)', async (seed) => {
    expect(await attack('open', seed)).toEqual(['provider'])
  })
})
