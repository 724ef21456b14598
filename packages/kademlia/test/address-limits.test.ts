import { describe, expect, test } from 'vitest'
import {
  AddressLimits,
  type Contact,
  commonPrefix,
  hasRoomFor,
  networkOf,
  RoutingTable,
} from '../src/index.ts'
import { nearId, randomId, seededRandom } from './support/ids.ts'

const at = (host: string, key: Uint8Array): Contact => ({
  key,
  address: { host, port: 9_000 },
  capabilities: 1,
})

describe('the network of an address', () => {
  test.each([
    ['203.0.113.7', 'cb0071'],
    ['::ffff:203.0.113.9', 'cb0071'],
    ['172.32.0.1', 'ac2000'],
    ['100.128.0.1', '648000'],
    ['2001:db8:1:2::3', '20010db80001'],
  ])('%s', (host, network) => expect(networkOf(host)).toBe(network))

  test.each([
    '10.1.2.3',
    '127.0.0.1',
    '0.0.0.0',
    '169.254.1.1',
    '172.31.255.1',
    '192.168.1.1',
    '100.64.0.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    'host.example',
  ])('%s is not public', (host) => expect(networkOf(host)).toBeUndefined())
})

describe('nodes of one public network', () => {
  const random = seededRandom(3)
  const self = randomId(random)
  const limited = (): RoutingTable => {
    const table: RoutingTable = new RoutingTable(self, {
      admit: (contact) => hasRoomFor(self, contact, table.contacts()),
    })
    return table
  }

  test('are at most 2 in a bucket and 10 in a table; others come in beside them', () => {
    const table = limited()
    for (let i = 0; i < 2_000; i++) table.seen(at('203.0.113.7', nearId(random, self, i % 12)))
    expect(table.size).toBe(10)
    for (let bucket = 0; bucket < 256; bucket++)
      expect(table.bucket(bucket).length).toBeLessThanOrEqual(2)
    expect(table.seen(at('198.51.100.7', randomId(random)))).toBe('added')
    expect(table.seen(at('10.0.0.7', randomId(random)))).toBe('added')
  })

  test('do not get in by moving there, nor out of the cache', () => {
    const table = limited()
    const keys = Array.from({ length: 40 }, () =>
      nearId(
        random,
        self.map((b) => b ^ 0xff),
        1,
      ),
    )
    for (const [i, key] of keys.entries()) table.seen(at(`198.51.${i}.1`, key))
    const before = table.contacts()
    for (const { key } of before) table.seen(at('203.0.113.7', key))
    const moved = (): number =>
      table.contacts().filter(({ address }) => address.host === '203.0.113.7').length
    expect(moved()).toBe(2)
    // Where it is, one may change its address within the network.
    const own = table.contacts().find(({ address }) => address.host === '203.0.113.7') as Contact
    expect(table.seen(at('203.0.113.8', own.key))).toBe('refreshed')
    for (const { key } of table.contacts().slice(0, 20)) table.remove(key)
    expect(moved()).toBeLessThanOrEqual(2)
  })

  test('are no more among what the answers of one lookup name; who is in stays in', () => {
    const target = randomId(random)
    const limits = new AddressLimits(target)
    const contacts = Array.from({ length: 500 }, (_, i) =>
      at('2001:db8:1::7', nearId(random, target, i % 16)),
    )
    const admitted = contacts.filter((contact) => limits.admit(contact))
    expect(admitted).toHaveLength(10)
    const buckets = admitted.map(({ key }) => commonPrefix(target, key))
    for (const bucket of buckets)
      expect(buckets.filter((other) => other === bucket).length).toBeLessThanOrEqual(2)
    expect(admitted.every((contact) => limits.admit(contact))).toBe(true)
    expect(limits.admit(at('10.0.0.1', randomId(random)))).toBe(true)
  })
})
