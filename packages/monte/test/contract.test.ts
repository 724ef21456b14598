import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  ContractError,
  type LinkScene,
  linkContract,
  suiteContract,
} from '../src/contract/index.ts'
import type { Link } from '../src/index.ts'
import { createLinkPair, createVirtualClock, seededRandom } from '../src/memory/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { stablelibSuite } from '../src/suite/stablelib.ts'
import { dialTcp, listenTcp } from '../src/tcp/index.ts'
import {
  acceptWebSocket,
  dialWebSocket,
  type WebSocketConstructor,
} from '../src/websocket/index.ts'
import { BrowserSocket } from './support/browser-socket.ts'

/** A scene of real links, cut when the test is over. */
function real(near: Link, far: Link): LinkScene {
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return { near, far, turn: () => new Promise((resolve) => setTimeout(resolve, 1)) }
}

async function overTcp(): Promise<LinkScene> {
  const links: Link[] = []
  const onLink = (link: Link): void => void links.push(link)
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, onLink })
  onTestFinished(() => listener.close())
  const near = await dialTcp(listener.address)
  while (links.length === 0) await new Promise((resolve) => setImmediate(resolve))
  return real(near, links[0] as Link)
}

async function overWebSocket(Constructor: WebSocketConstructor): Promise<LinkScene> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  onTestFinished(() => {
    server.close()
  })
  const far = new Promise<Link>((resolve) => {
    server.on('connection', (socket) => resolve(acceptWebSocket(socket, undefined)))
  })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const near = await dialWebSocket(`ws://127.0.0.1:${port}`, { WebSocket: Constructor })
  return real(near, await far)
}

async function inMemory(chop: boolean): Promise<LinkScene> {
  const clock = createVirtualClock()
  const [near, far] = createLinkPair({ clock, random: seededRandom(7), latency: [0, 3], chop })
  return { near, far, turn: async () => clock.advance(1) }
}

const links: (readonly [string, () => Promise<LinkScene>])[] = [
  ['memory', () => inMemory(false)],
  ['memory, chopped', () => inMemory(true)],
  ['tcp', overTcp],
  ['websocket, ws at both ends', () => overWebSocket(WebSocket)],
  ['websocket, dialed with nothing but what a browser has', () => overWebSocket(BrowserSocket)],
]

const RuntimeWebSocket = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket
if (RuntimeWebSocket)
  links.push(['websocket, dialed with the runtime’s own', () => overWebSocket(RuntimeWebSocket)])

test('the runtime has a WebSocket of its own, which is among the links below', (ctx) => {
  ctx.skip(RuntimeWebSocket === undefined, 'Node before 22 has none')
  expect(links.length).toBe(6)
})

describe.each(links)('a link: %s', { timeout: 30_000 }, (_, make) => {
  test.each(linkContract.map((one) => [one.name, one] as const))('%s', async (_name, { run }) => {
    await expect(run(make)).resolves.toBeUndefined()
  })
})

describe.each([
  ['node', nodeSuite],
  ['stablelib', stablelibSuite],
])('a suite: %s', { timeout: 60_000 }, (_, suite) => {
  test.each(suiteContract.map((one) => [one.name, one] as const))('%s', (_name, { run }) => {
    expect(() => run(() => suite)).not.toThrow()
  })
})

/** Names of the cases that a changed link fails. */
const broken = async (change: (link: Link) => Partial<Link>): Promise<string[]> => {
  const failed: string[] = []
  for (const { name, run } of linkContract) {
    const make = async (): Promise<LinkScene> => {
      const scene = await inMemory(false)
      const { near } = scene
      const own: Link = {
        remote: near.remote,
        attach: (receiver) => near.attach(receiver),
        write: (chunks) => near.write(chunks),
        end: () => near.end(),
        destroy: () => near.destroy(),
        pause: () => near.pause(),
        resume: () => near.resume(),
      }
      return { ...scene, near: { ...own, ...change(near) } }
    }
    await run(make).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Error)
      failed.push(name)
    })
  }
  return failed
}

describe('the contract notices', { timeout: 60_000 }, () => {
  test('a link that keeps everything: nothing', async () => {
    expect(await broken(() => ({}))).toEqual([])
  })

  test.each<readonly [string, (link: Link) => Partial<Link>]>([
    ['always takes more', (link) => ({ write: (chunks) => link.write(chunks) || true })],
    ['swaps chunks', (link) => ({ write: (chunks) => link.write(chunks.toReversed()) })],
    ['ends by cutting', (link) => ({ end: () => link.destroy() })],
    ['never ends', () => ({ end: () => undefined })],
    ['never cuts', () => ({ destroy: () => undefined })],
    [
      'loses the drain',
      (link) => ({ attach: (to) => link.attach({ ...spread(to), onDrain: none }) }),
    ],
    [
      'tells twice',
      (link) => ({ attach: (to) => link.attach({ ...spread(to), onClose: twice(to) }) }),
    ],
  ])('a link that %s', async (_, change) => {
    expect((await broken(change)).length).toBeGreaterThan(0)
  })

  test.each([
    ['no low order', { keyExchange: () => ({ ...exchange(), agree: () => new Uint8Array(32) }) }],
    ['verifies all', { verify: () => true }],
    ['verifies none', { verify: () => false }],
    ['ignores the key of a hash', { blake2b256: () => new Uint8Array(32) }],
    ['is not random', { randomBytes: (length: number) => new Uint8Array(length) }],
  ])('a suite that %s', (_, change) => {
    const suite = { ...nodeSuite, ...change }
    const errors = suiteContract.flatMap(({ run }) => {
      try {
        run(() => suite)
        return []
      } catch (error) {
        return [error]
      }
    })
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.every((error) => error instanceof ContractError)).toBe(true)
  })
})

type Receiver = Parameters<Link['attach']>[0]
const none = (): void => undefined
const exchange = () => nodeSuite.keyExchange()
const twice = (to: Receiver) => (): void => {
  to.onClose()
  to.onClose()
}
const spread = (to: Receiver): Receiver => ({
  onData: (chunk) => to.onData(chunk),
  onDrain: () => to.onDrain(),
  onEnd: () => to.onEnd(),
  onClose: (error) => to.onClose(error),
})
