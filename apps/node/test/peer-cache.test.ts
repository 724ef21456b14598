import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVirtualClock } from '@flatend/monte/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFilePeerCache } from '../src/file-peer-cache.ts'
import { generateSecretKey, Node, type NodeOptions } from '../src/index.ts'
import type { CachedPeer } from '../src/peer-cache.ts'
import { PeerMemory } from '../src/peer-memory.ts'
import { recordingLog } from './support/log.ts'

const peer = (n: number, seen = 1_700_000_000_000): CachedPeer => ({
  key: new Uint8Array(32).fill(n),
  address: n % 2 === 0 ? { host: '10.0.0.1', port: n + 1 } : { host: '2001:db8::1', port: n + 1 },
  seen,
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'flatend-cache-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('a file of peers', () => {
  test('gives back what was saved, readable by its owner alone, and leaves nothing beside it', async () => {
    const path = join(folder(), 'peers.json')
    const log = recordingLog()
    const cache = createFilePeerCache({ path, log })
    expect(await cache.load()).toEqual([])
    for (const peers of [[peer(1), peer(2), peer(3)], [peer(4)]]) {
      await cache.save(peers)
      expect(await cache.load()).toEqual(peers)
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
    expect(log.lines).toEqual([])
  })

  const key = '0a'.repeat(32)
  test.each([
    ['no JSON', '{"version":1,"peers":['],
    ['nothing', ''],
    ['null', 'null'],
    ['another version', '{"version":2,"peers":[]}'],
    ['no list', '{"version":1,"peers":{}}'],
    ['an entry that is null', '{"version":1,"peers":[null]}'],
    ['a key that is none', '{"version":1,"peers":[{"key":"0a","addr":"10.0.0.1:1","seen":1}]}'],
    ['no time', `{"version":1,"peers":[{"key":"${key}","addr":"10.0.0.1:1"}]}`],
    ['no address', `{"version":1,"peers":[{"key":"${key}","addr":"here","seen":1}]}`],
    ['a wildcard', `{"version":1,"peers":[{"key":"${key}","addr":"0.0.0.0:1","seen":1}]}`],
    ['too much', 'x'.repeat(1_048_577)],
  ])('that is damaged is told of and ignored: %s', async (_, text) => {
    const path = join(folder(), 'peers.json')
    writeFileSync(path, text)
    const log = recordingLog()
    const cache = createFilePeerCache({ path, log })
    expect(await cache.load()).toEqual([])
    expect(log.lines).toMatchObject([{ level: 'warn', path }])
    await cache.save([peer(1)])
    expect(await cache.load()).toEqual([peer(1)])
  })

  test('that cannot be written is told of once', async () => {
    const log = recordingLog()
    const cache = createFilePeerCache({ path: join(folder(), 'missing', 'peers.json'), log })
    await cache.save([peer(1)])
    await cache.save([peer(1)])
    expect(log.lines).toMatchObject([{ level: 'warn', reason: expect.stringContaining('ENOENT') }])
  })
})

describe('whom a node remembers', () => {
  const NOW = 1_800_000_000_000

  function memory(loaded: readonly CachedPeer[]) {
    const clock = createVirtualClock()
    const suggested: string[][] = []
    const saved: (readonly CachedPeer[])[] = []
    const contacts: { key: Uint8Array; address: { host: string; port: number } }[] = []
    const state = { connected: 0 }
    const made = new PeerMemory({
      cache: {
        load: () => Promise.resolve(loaded),
        save: (peers) => Promise.resolve(void saved.push(peers)),
      },
      discovery: {
        suggest: (targets) => void suggested.push(targets.map(({ address }) => address)),
        table: { contacts: () => contacts } as never,
      },
      clock,
      wallNow: () => NOW,
      connected: () => state.connected,
    })
    return { clock, suggested, saved, contacts, state, made }
  }

  test('at most 200, the latest first, nobody of a month ago', async () => {
    const many = Array.from({ length: 250 }, (_, i): CachedPeer => {
      const key = new Uint8Array(32).fill(1)
      key[0] = i
      return { key, address: { host: '10.0.0.1', port: i + 1 }, seen: NOW - i * 1_000 }
    })
    const old = peer(2, NOW - 31 * 24 * 3_600_000)
    const { made, suggested } = memory([old, ...many.toReversed()])
    await made.start()
    const [first = []] = suggested
    expect(first).toHaveLength(200)
    expect(first[0]).toBe('10.0.0.1:1')
    await made.stop()
  })

  test('who is known now is kept beside those of before; what is the same is not written again', async () => {
    const { made, clock, contacts, saved, state } = memory([peer(2, NOW - 5), peer(4, NOW - 5)])
    await made.start()
    state.connected = 1
    contacts.push(peer(6), peer(4))
    for (let i = 0; i < 5; i++) {
      clock.advance(60_000)
      await Promise.resolve()
    }
    expect(saved).toHaveLength(1)
    expect(saved[0]?.map(({ key, seen }) => [key[0], seen])).toEqual([
      [6, NOW],
      [4, NOW],
      [2, NOW - 5],
    ])
    await made.stop()
  })

  test('a node that is alone tries them again', async () => {
    const { made, clock, suggested, state } = memory([peer(2, NOW)])
    await made.start()
    clock.advance(5_000)
    expect(suggested).toHaveLength(2)
    state.connected = 1
    clock.advance(120_000)
    expect(suggested).toHaveLength(2)
    await made.stop()
    state.connected = 0
    clock.advance(120_000)
    expect(suggested).toHaveLength(2)
  })
})

async function start(options: NodeOptions): Promise<Node> {
  const node = await Node.start(options)
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

test('a node whose seeds are all down finds the mesh again, over sockets', async () => {
  const peerCache = join(folder(), 'peers.json')
  const bindAddrs = ['127.0.0.1:0']
  const seed = await start({ bindAddrs })
  const addrs = [seed.address as string]
  const other = await start({ bindAddrs, addrs, services: { hello: () => 'still here' } })
  const secretKey = generateSecretKey()
  const first = await start({ bindAddrs, addrs, secretKey, peerCache })
  expect(await (await first.call('hello')).text()).toBe('still here')
  await first.shutdown()
  const kept = JSON.parse(readFileSync(peerCache, 'utf8')) as { peers: { addr: string }[] }
  expect(new Set(kept.peers.map(({ addr }) => addr))).toEqual(
    new Set([seed.address, other.address]),
  )

  await seed.shutdown({ timeoutMs: 0 })
  const again = await start({ bindAddrs, addrs, secretKey, peerCache })
  expect(again.peers().map(({ id }) => id.toString())).toContain(other.id.toString())
  expect(await (await again.call('hello')).text()).toBe('still here')
  // Who is down is remembered for when it comes back.
  await again.shutdown()
  expect(readFileSync(peerCache, 'utf8')).toContain(seed.address)

  // Without the cache there is no way in.
  const lost = await start({ bindAddrs, addrs, secretKey })
  expect(lost.peers()).toEqual([])
})
