import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createMemoryNetwork, seededRandom } from '@flatend/monte/memory'
import { expect, onTestFinished, test } from 'vitest'
import { generateSecretKey, Node, type NodeOptions, type Transport } from '../src/index.ts'
import { isLocal, isTellable, logReachability } from '../src/reachable.ts'
import { systemClock } from '../src/runtime.ts'
import { recordingLog } from './support/log.ts'

const bindAddrs = ['127.0.0.1:0']

async function start(options: NodeOptions = {}): Promise<Node> {
  const node = await Node.start({ bindAddrs, ...options })
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

test('a node learns from its peers, by itself, that it can be dialed and where', async () => {
  const logger = recordingLog()
  const first = await start({ logger })
  expect(first.reachability).toBe('unknown')
  const known = new Promise((resolve) => first.onReachability(resolve))
  const second = await start({ addrs: [first.address as string] })
  expect(await known).toBe('public')
  expect(first.reachableAddress).toBe(first.address)
  expect(await second.checkReachability()).toBe('public')
  expect(second.reachableAddress).toBe(second.address)
  // The dial-backs are no strangers that failed, and replace no connection.
  expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([])
  expect(first.peers()).toHaveLength(1)
})

test('one that advertises an address where nobody is, or another, is told so with the cure', async () => {
  const spare = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
    0,
    '127.0.0.1',
  )
  await once(spare, 'listening')
  const { port } = spare.address() as AddressInfo
  const seed = await start()
  for (const state of ['silent', 'closed']) {
    if (state === 'closed') {
      spare.close()
      await once(spare, 'close')
    }
    const logger = recordingLog()
    const publicAddr = `127.0.0.1:${port}`
    const node = await start({ publicAddr, addrs: [seed.address as string], logger })
    expect(await node.checkReachability()).toBe('private')
    expect(node.reachableAddress).toBeUndefined()
    expect(logger.lines.find(({ level }) => level === 'warn')).toMatchObject({
      message: 'nobody can dial this node at the address it advertises',
      advertised: publicAddr,
      observed: [publicAddr],
      cure: expect.stringContaining(`TCP port ${port}`),
    })
  }
  // Somebody listens there, but another node does.
  const thief = await start({ publicAddr: seed.address as string, addrs: [seed.address as string] })
  expect(await thief.checkReachability()).toBe('private')
})

test('one that takes no connections is private from the start', async () => {
  const seed = await start()
  const node = await start({ bindAddrs: [], addrs: [seed.address as string] })
  expect(node.reachability).toBe('private')
  expect(await node.checkReachability()).toBe('private')
})

test('lists of keys, networks and their keys do not stand in the way', async () => {
  const mesh = { network: 'closed', networkKey: new Uint8Array(32).fill(1) }
  const secretKey = generateSecretKey()
  const peers = [secretKey.subarray(32).toString('hex')]
  const first = await start({ ...mesh, allow: { peers } })
  const met = new Promise((resolve) => first.on('peer-joined', resolve))
  const second = await start({ ...mesh, secretKey, addrs: [first.address as string] })
  await met
  expect(await first.checkReachability()).toBe('public')
  expect(await second.checkReachability()).toBe('public')
})

test('one that takes connections on all interfaces advertises the address that was proven', async () => {
  const network = createMemoryNetwork({ clock: systemClock, random: seededRandom(1) })
  const at = (host: string): Transport => ({
    listen: async (address, { onLink }) => {
      const listener = await network.listen({ ...address, host, onLink })
      return { ...listener, address, close: () => listener.close() }
    },
    dial: (address, { signal }) => network.dial({ ...address, from: host, signal }),
  })
  const seed = await start({ transport: at('10.0.0.1'), bindAddrs: ['10.0.0.1:9000'] })
  const node = await start({
    transport: at('10.0.0.2'),
    bindAddrs: [':9000'],
    addrs: ['10.0.0.1:9000'],
  })
  expect(node.address).toBeUndefined()
  expect(await node.checkReachability()).toBe('public')
  expect(node.address).toBe('10.0.0.2:9000')
  // From now on it says so.
  const third = await start({
    transport: at('10.0.0.3'),
    bindAddrs: ['10.0.0.3:9000'],
    addrs: ['10.0.0.2:9000'],
  })
  expect(third.peers().map(({ address }) => address)).toContain('10.0.0.2:9000')
  expect(seed.peers().length).toBeGreaterThan(0)
})

/** What the log warns of where peers dialed a node at another address than it advertises. */
function warnings(advertised: string, proven: string): object[] {
  const log = recordingLog()
  const address = { host: proven, port: 9 }
  const status = { state: 'public', address, observed: [address], reason: '' } as const
  logReachability(log, { host: advertised, port: 9 }, status)
  return log.lines.filter(({ level }) => level === 'warn')
}

test('another address than the advertised one is told of, unless it is that of the same site', () => {
  expect(warnings('203.0.113.9', '203.0.113.9')).toEqual([])
  expect(warnings('203.0.113.9', '192.168.1.5')).toEqual([])
  expect(warnings('192.168.1.5', '203.0.113.9')).toMatchObject([
    { advertised: '192.168.1.5:9', cure: 'set publicAddr to 203.0.113.9:9' },
  ])
  expect(warnings('203.0.113.1', '203.0.113.9')).toHaveLength(1)
  const local = [
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '127.0.0.1',
    'fd00::1',
    '::1',
  ]
  expect(local.filter((host) => !isLocal(host))).toEqual([])
  const global = ['11.1.2.3', '172.32.0.1', '100.128.0.1', '192.167.1.1', '2001:db8::1', '8.8.8.8']
  expect(global.filter(isLocal)).toEqual([])
})

test('an address that means another machine elsewhere is told to nobody', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '169.254.1.1', 'fe80::1', '0.0.0.0'])
    expect(isTellable({ host, port: 1 })).toBe(false)
  for (const host of ['10.0.0.1', '192.168.1.5', '203.0.113.9', '2001:db8::1', 'fd00::1'])
    expect(isTellable({ host, port: 1 })).toBe(true)
})
