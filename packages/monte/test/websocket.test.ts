import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Link } from '../src/index.ts'
import { frames } from '../src/websocket/frames.ts'
import {
  acceptWebSocket,
  dialWebSocket,
  type WebSocketConstructor,
  WebSocketError,
  type WebSocketEvent,
  type WebSocketLike,
  type WebSocketLimits,
} from '../src/websocket/index.ts'
import { BrowserSocket } from './support/browser-socket.ts'
import { join } from './support/vectors.ts'

const codeOf = (error: Error | undefined): string | undefined =>
  (error as { readonly code?: string } | undefined)?.code

interface Heard {
  readonly chunks: Uint8Array[]
  ends: number
  readonly closed: Promise<Error | undefined>
}

function listen(link: Link): Heard {
  const heard = { chunks: [] as Uint8Array[], ends: 0 }
  const closed = new Promise<Error | undefined>((resolve) => {
    link.attach({
      onData: (chunk) => heard.chunks.push(chunk),
      onDrain: () => undefined,
      onEnd: () => void heard.ends++,
      onClose: resolve,
    })
  })
  return Object.assign(heard, { closed })
}

/** A server, its address, and each socket it takes. */
async function serve(): Promise<{ url: string; socket: Promise<WebSocket> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const socket = new Promise<WebSocket>((resolve) => {
    server.on('connection', resolve)
  })
  await once(server, 'listening')
  return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`, socket }
}

/** A link at one end, the bare WebSocket at the other. */
async function halfPair(
  limits: WebSocketLimits = {},
): Promise<{ readonly link: Link; readonly peer: WebSocket; readonly heard: Heard }> {
  const { url, socket } = await serve()
  const link = await dialWebSocket(url, { WebSocket, ...limits })
  return { link, peer: await socket, heard: listen(link) }
}

const closing = async (peer: WebSocket): Promise<number> => {
  const [code] = (await once(peer, 'close')) as [number]
  return code
}

describe('a peer that breaks the rules', () => {
  test('text is none of our bytes: code 4003', async () => {
    const { peer, heard } = await halfPair()
    const code = closing(peer)
    peer.send('hello')
    expect(codeOf(await heard.closed)).toBe('FLATEND_MONTE_WEBSOCKET')
    expect(await code).toBe(4_003)
    expect([heard.chunks.length, heard.ends]).toEqual([0, 0])
  })

  test('a message over the limit: code 4009; one at the limit is taken', async () => {
    const { peer, heard } = await halfPair({ maxMessage: 1_000 })
    peer.send(new Uint8Array(1_000))
    peer.send(new Uint8Array(1_001))
    const code = await closing(peer)
    expect(codeOf(await heard.closed)).toBe('FLATEND_MONTE_WEBSOCKET')
    expect([code, heard.chunks.map(({ length }) => length)]).toEqual([4_009, [1_000]])
  })

  test('floods a link that is paused and cannot be stopped: closed at the bound', async () => {
    const { url, socket } = await serve()
    const link = await dialWebSocket(url, { WebSocket: BrowserSocket, maxPaused: 100_000 })
    const peer = await socket
    const heard = listen(link)
    await new Promise((resolve) => setImmediate(resolve))
    link.pause()
    for (let i = 0; i < 20; i++) peer.send(new Uint8Array(10_000))
    expect(codeOf(await heard.closed)).toBe('FLATEND_MONTE_WEBSOCKET')
  })

  test('more after the end of its direction is ignored', async () => {
    const { link, peer, heard } = await halfPair()
    peer.send(Uint8Array.of(1))
    peer.send(new Uint8Array(0))
    peer.send(Uint8Array.of(2))
    peer.send(new Uint8Array(0))
    peer.close(1_000)
    expect(await heard.closed).toBeUndefined()
    expect([join(heard.chunks), heard.ends]).toEqual([Uint8Array.of(1), 1])
    expect(link.write([Uint8Array.of(1)])).toBe(false)
  })
})

describe('a close of the peer', () => {
  test.each([1_000, 1_001, undefined])(
    'with code %s is the end of it, and no error',
    async (code) => {
      const { peer, heard } = await halfPair()
      peer.send(Uint8Array.of(1))
      peer.close(code)
      expect(await heard.closed).toBeUndefined()
      expect([heard.chunks.length, heard.ends]).toEqual([1, 1])
    },
  )

  test.each([
    [1_011, 'the WebSocket closed, the other side failed (code 1011): disk full'],
    [1_013, 'the WebSocket closed, the other side is overloaded (code 1013): disk full'],
    [4_321, 'the WebSocket closed, for a reason of its own (code 4321): disk full'],
  ])('with code %i is an error in words', async (code, message) => {
    const { peer, heard } = await halfPair()
    peer.close(code, 'disk full')
    const error = await heard.closed
    expect(error).toBeInstanceOf(WebSocketError)
    expect(error).toMatchObject({ code: 'FLATEND_MONTE_WEBSOCKET_CLOSED', message })
    expect(heard.ends).toBe(0)
  })

  test('without one, cut: an error', async () => {
    const { peer, heard } = await halfPair()
    peer.terminate()
    expect((await heard.closed)?.message).toBe('the WebSocket closed, it was cut (code 1006)')
  })
})

const failure = async (url: string, Constructor?: WebSocketConstructor): Promise<Error> => {
  const options = Constructor ? { WebSocket: Constructor } : {}
  const error: unknown = await dialWebSocket(url, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof WebSocketError)) throw new Error(`not a WebSocketError: ${String(error)}`)
  expect(error.code).toBe('FLATEND_MONTE_DIAL')
  return error
}

describe('dialing', () => {
  test('nobody, no WebSocket server, no URL: errors in words', async () => {
    const server = createServer((_, response) => response.writeHead(404).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const url = `ws://user:secret@127.0.0.1:${port}/path?token=secret`
    const refused = await failure(url, WebSocket)
    expect(refused.message).toBe(
      `cannot connect to ws://127.0.0.1:${port}/path: Unexpected server response: 404`,
    )
    server.close()
    await once(server, 'close')
    expect((await failure(`ws://127.0.0.1:${port}`, WebSocket)).message).toContain('ECONNREFUSED')
    expect((await failure('nonsense', WebSocket)).message).toMatch(/^cannot connect to nonsense: ./)
  })

  test('a server that speaks something else is refused by the subprotocol', async () => {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      handleProtocols: () => 'chat',
    })
    onTestFinished(() => {
      server.close()
    })
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect((await failure(`ws://127.0.0.1:${port}`, WebSocket)).message).toContain('subprotocol')
  })

  test('a runtime without WebSocket says so; one that has it is used', async () => {
    const { url } = await serve()
    const place = globalThis as { WebSocket?: unknown }
    const own = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')
    onTestFinished(() => {
      if (own) Object.defineProperty(globalThis, 'WebSocket', own)
      else delete place.WebSocket
    })
    Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true })
    expect((await failure(url)).message).toContain('this runtime has no WebSocket')
    Object.defineProperty(globalThis, 'WebSocket', { value: BrowserSocket, configurable: true })
    const link = await dialWebSocket(url)
    expect(link.remote?.host).toBe('127.0.0.1')
    link.destroy()
  })

  test('is given up by its signal, before and during', async () => {
    const gone = AbortSignal.abort(new Error('never mind'))
    await expect(dialWebSocket('ws://127.0.0.1:9', { WebSocket, signal: gone })).rejects.toThrow(
      'never mind',
    )
    for (const Constructor of [WebSocket, BrowserSocket]) {
      const { url } = await serve()
      const controller = new AbortController()
      const dial = dialWebSocket(url, { WebSocket: Constructor, signal: controller.signal })
      controller.abort(new Error('never mind'))
      await expect(dial).rejects.toThrow('never mind')
    }
  })

  test.each([
    ['ws://127.0.0.1:9000/path', { host: '127.0.0.1', port: 9_000 }],
    ['ws://[::1]:9000', { host: '::1', port: 9_000 }],
    ['wss://10.0.0.1', { host: '10.0.0.1', port: 443 }],
    ['ws://10.0.0.1?a', { host: '10.0.0.1', port: 80 }],
    ['wss://example.com:9000', undefined],
  ])('%s: the remote address as far as it is known', async (url, remote) => {
    class OpenAtOnce extends FakeSocket {}
    const link = await dialWebSocket(url, { WebSocket: OpenAtOnce })
    expect(link.remote).toEqual(remote)
    link.destroy()
  })
})

/** Opens at once, sends into nowhere, and has no timers. */
class FakeSocket implements WebSocketLike {
  binaryType = 'blob'
  readonly readyState = 1
  bufferedAmount = 0
  readonly sent: number[] = []
  readonly closes: (number | undefined)[] = []
  readonly #listeners = new Map<string, (event: WebSocketEvent) => void>()
  constructor() {
    setImmediate(() => this.tell('open', {}))
  }
  send(data: Uint8Array): void {
    this.sent.push(data.length)
  }
  close(code?: number): void {
    this.closes.push(code)
  }
  addEventListener(type: string, listener: (event: WebSocketEvent) => void): void {
    this.#listeners.set(type, listener)
  }
  tell(type: string, event: WebSocketEvent): void {
    this.#listeners.get(type)?.(event)
  }
}

const cut = (...lengths: number[]): number[] =>
  [...frames(lengths.map((length) => new Uint8Array(length)))].map(({ length }) => length)

describe('messages', () => {
  test('are as few as hold the bytes, none empty, none over 64 KiB', () => {
    expect(cut()).toEqual([])
    expect(cut(0, 0)).toEqual([])
    expect(cut(4, 0, 100, 16)).toEqual([120])
    expect(cut(65_536)).toEqual([65_536])
    expect(cut(65_537)).toEqual([65_536, 1])
    expect(cut(4, 65_536, 65_536)).toEqual([65_536, 65_536, 4])
  })

  test('one chunk is not copied', () => {
    const chunk = new Uint8Array(9)
    expect([...frames([chunk])][0]).toBe(chunk)
  })

  test('wait for the WebSocket: false from 64 KiB on, a drain once all is sent', async () => {
    const socket = new FakeSocket()
    const link = acceptWebSocket(socket, undefined)
    const drained = new Promise<number>((resolve) => {
      link.attach({
        onData: () => undefined,
        onDrain: () => resolve(socket.bufferedAmount),
        onEnd: () => undefined,
        onClose: () => undefined,
      })
    })
    socket.bufferedAmount = 65_535
    expect(link.write([new Uint8Array(1)])).toBe(true)
    socket.bufferedAmount = 65_536
    expect(link.write([new Uint8Array(1)])).toBe(false)
    expect(link.write([new Uint8Array(1)])).toBe(false)
    socket.bufferedAmount = 1
    setImmediate(() => setImmediate(() => void (socket.bufferedAmount = 0)))
    expect(await drained).toBe(0)
    expect(socket.sent).toEqual([1, 1, 1])
    link.destroy()
    expect(socket.closes).toEqual([4_000])
  })
})
