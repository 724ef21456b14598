import { describe, expect, test } from 'vitest'
import { formatAddress, isWildcard, parseAddress } from '../src/address.ts'
import { advertisedAddress, bindAddresses, normalizeSeeds } from '../src/options.ts'

describe('addresses', () => {
  test.each([
    ['127.0.0.1:9000', '127.0.0.1', 9000],
    ['[::1]:9000', '::1', 9000],
    ['seed.example:1', 'seed.example', 1],
    [':9000', '', 9000],
  ])('%s', (text, host, port) => {
    const address = parseAddress(text, 'test')
    expect(address).toEqual({ host, port })
    expect(formatAddress(address)).toBe(text)
  })

  test.each(['', 'host', 'host:', '::1:9000', '[::1]', '[nonsense]:1', 'host:65536', 'a:b:1'])(
    '"%s" is refused by name',
    (text) => {
      expect(() => parseAddress(text, 'bindAddrs')).toThrow(/bindAddrs/)
    },
  )

  test.each([
    ['ws://127.0.0.1:9000/', '127.0.0.1', 9000],
    ['ws://[::1]:9000/mesh', '::1', 9000],
    ['wss://seed.example/', 'seed.example', 443],
    ['ws://seed.example/a?b', 'seed.example', 80],
  ])('%s is a WebSocket', (url, host, port) => {
    expect(parseAddress(url, 'test')).toEqual({ host, port, url })
    expect(normalizeSeeds([` ${url}`])).toEqual([{ address: url }])
  })

  test.each(['http://127.0.0.1:1', 'ws://', 'ws://host:65536', 'tcp://host:1'])(
    '"%s" is refused by name',
    (text) => {
      expect(() => parseAddress(text, 'addrs')).toThrow(/addrs .* is no address of a WebSocket/)
    },
  )

  test('WebSockets can be bound without TLS and path, and are no public address', async () => {
    const [endpoint] = bindAddresses({ bindAddrs: ['ws://127.0.0.1:0'] })
    expect(endpoint).toMatchObject({ host: '127.0.0.1', port: 0 })
    for (const text of ['wss://127.0.0.1:1', 'ws://127.0.0.1:1/mesh', 'ws://127.0.0.1:1?a'])
      expect(() => bindAddresses({ bindAddrs: [text] })).toThrow(/cannot be listened on/)
    expect(() => bindAddresses({ publicAddr: 'ws://127.0.0.1:1' })).toThrow(/publicAddr/)
    const bound = [
      { host: '127.0.0.1', port: 1, url: 'ws://127.0.0.1:1' },
      { host: '127.0.0.1', port: 2 },
    ]
    expect(await advertisedAddress({}, bound)).toMatchObject({ port: 2 })
    expect(await advertisedAddress({}, bound.slice(0, 1))).toBeUndefined()
    expect(await advertisedAddress({ publicAddr: '127.0.0.1:0' }, bound)).toMatchObject({ port: 2 })
  })

  test('wildcards', () => {
    expect(['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'].every(isWildcard)).toBe(true)
    expect(['127.0.0.1', '::1', 'localhost'].some(isWildcard)).toBe(false)
  })

  test('a wildcard is never advertised', async () => {
    const any = [{ host: '0.0.0.0', port: 9000 }]
    expect(await advertisedAddress({}, any)).toBeUndefined()
    expect(await advertisedAddress({ publicAddr: ':9000' }, any)).toBeUndefined()
    expect(await advertisedAddress({ publicAddr: '10.0.0.1:9000' }, any)).toEqual({
      host: '10.0.0.1',
      port: 9000,
    })
  })

  test('the port really bound is advertised', async () => {
    const bound = [{ host: '127.0.0.1', port: 41_234 }]
    expect(await advertisedAddress({}, bound)).toEqual(bound[0])
    expect(await advertisedAddress({ publicAddr: '127.0.0.1:0' }, bound)).toEqual(bound[0])
  })

  test('":9000" as a seed is this machine', () => {
    expect(normalizeSeeds([':9000', '[::1]:1'])).toEqual([
      { address: '127.0.0.1:9000' },
      { address: '[::1]:1' },
    ])
    const key = '0a'.repeat(32)
    const pinned = normalizeSeeds([`${key}@[::1]:1`, `${key.toUpperCase()}@wss://host/path`])
    expect(pinned).toEqual([
      { address: '[::1]:1', key: new Uint8Array(32).fill(10) },
      { address: 'wss://host/path', key: new Uint8Array(32).fill(10) },
    ])
    expect(() => normalizeSeeds(['0a0a@host:1'])).toThrow(/64 hex digits/)
    expect(() => normalizeSeeds(['host:0'])).toThrow(/port 0/)
  })
})
