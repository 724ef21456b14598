import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Channel, type Hello, type Link, openChannel } from '../src/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { dialTcp, listenTcp, TcpError, type TcpLink, type TcpListener } from '../src/tcp/index.ts'

const clock = {
  now: () => performance.now(),
  schedule(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

interface End {
  readonly channel: Channel
  readonly opened: Promise<Hello>
  readonly closed: Promise<Error | undefined>
  readonly received: Uint8Array[]
}

/** A promise, and what fulfils it. */
function later<T>(): readonly [Promise<T>, (value: T) => void] {
  const settle: { with?: (value: T) => void } = {}
  const promise = new Promise<T>((resolve) => {
    settle.with = resolve
  })
  return [promise, (value) => settle.with?.(value)]
}

function open(link: Link, role: 'dialer' | 'listener', onBytes?: (bytes: Uint8Array) => void): End {
  const received: Uint8Array[] = []
  const [opened, onOpen] = later<Hello>()
  const [closed, onClose] = later<Error | undefined>()
  const channel = openChannel({
    link,
    role,
    clock,
    suite: nodeSuite,
    identity: nodeSuite.identity(nodeSuite.randomBytes(32)),
    hello: { ephemeral: true, instance: 0, services: [role] },
    defer: (task) => process.nextTick(task),
    receiver: {
      onOpen,
      onMessage: (_seq, _opcode, body) => {
        const bytes = body.rest()
        if (onBytes) onBytes(bytes)
        else received.push(bytes)
      },
      onDrain: () => undefined,
      onClose,
    },
  })
  return { channel, opened, closed, received }
}

async function listening(
  onLink: (link: TcpLink) => void,
  host = '127.0.0.1',
): Promise<TcpListener> {
  const listener = await listenTcp({ host, port: 0, onLink })
  onTestFinished(() => listener.close())
  return listener
}

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((at) => at?.address === '::1')

describe('a channel over TCP', () => {
  test.each(['127.0.0.1', ...(hasIpv6 ? ['::1'] : []), 'localhost'])('at %s', async (host) => {
    const ends: End[] = []
    const bind = host === 'localhost' ? '127.0.0.1' : host
    const { address } = await listening((link) => ends.push(open(link, 'listener')), bind)
    const dialer = open(await dialTcp({ host, port: address.port }), 'dialer')
    expect((await dialer.opened).services).toEqual(['listener'])
    expect(dialer.channel.remote).toEqual({ host: bind, port: address.port })
    const body = new Uint8Array(60_000).fill(7)
    for (let i = 0; i < 50; i++) {
      dialer.channel.begin(0, 0x40).u8(i)
      dialer.channel.end(body)
    }
    dialer.channel.close()
    expect(await dialer.closed).toBeUndefined()
    expect(await ends[0]?.closed).toBeUndefined()
    expect(ends[0]?.received.map((bytes) => bytes[0])).toEqual([...Array(50).keys()])
  })

  test('cut by a process that goes: an error at the other end', async () => {
    const ends: End[] = []
    const { address } = await listening((link) => ends.push(open(link, 'listener')))
    const dialer = open(await dialTcp(address), 'dialer')
    await dialer.opened
    dialer.channel.destroy()
    expect(await ends[0]?.closed).toMatchObject({
      code: expect.stringMatching(/^FLATEND_MONTE_(TRUNCATED|HANDSHAKE_REFUSED)$/),
    })
  })

  test('a link nobody reads of stays quiet until somebody attaches', async () => {
    const links: TcpLink[] = []
    const { address } = await listening((link) => links.push(link))
    const dialer = open(await dialTcp(address), 'dialer')
    while (links.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const listener = open(links[0] as TcpLink, 'listener')
    await Promise.all([dialer.opened, listener.opened])
    dialer.channel.close()
    expect(await Promise.all([dialer.closed, listener.closed])).toEqual([undefined, undefined])
  })
})

const failure = async (promise: Promise<unknown>): Promise<TcpError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof TcpError) return error
  throw new Error(`not a TcpError: ${String(error)}`)
}

/** A port nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

describe('dialing', () => {
  test('nobody, a name nobody has, no port: errors in words', async () => {
    const port = await freePort()
    const refused = await failure(dialTcp({ host: '127.0.0.1', port }))
    expect(refused).toMatchObject({
      code: 'FLATEND_MONTE_DIAL',
      message: `cannot connect to 127.0.0.1:${port}: nothing listens there (ECONNREFUSED)`,
      cause: { code: 'ECONNREFUSED' },
    })
    const unknown = await failure(dialTcp({ host: 'nobody.invalid', port: 9 }))
    expect(unknown.message).toMatch(/^cannot connect to nobody\.invalid:9: .+ \(E/)
    const bad = await failure(dialTcp({ host: '::1', port: 70_000 }))
    expect(bad.message).toContain('[::1]:70000')
  })

  test('a name tries all its addresses', async () => {
    // localhost is ::1 as well on many machines: only 127.0.0.1 is listened at.
    const { address } = await listening((link) => link.destroy())
    const link = await dialTcp({ host: 'localhost', port: address.port })
    expect(link.remote?.host).toBe('127.0.0.1')
    link.destroy()
  })

  test('is given up by its signal, before and during', async () => {
    const gone = AbortSignal.abort(new Error('never mind'))
    await expect(dialTcp({ host: '127.0.0.1', port: 9, signal: gone })).rejects.toThrow(
      'never mind',
    )
    const controller = new AbortController()
    const dial = dialTcp({ host: '127.0.0.1', port: await freePort(), signal: controller.signal })
    controller.abort(new Error('never mind'))
    await expect(dial).rejects.toThrow('never mind')
  })
})

const onLink = (): void => undefined

describe('listening', () => {
  test('at a port that is taken, an address that is not ours, no port: errors in words', async () => {
    const { address } = await listening((link) => link.destroy())
    await expect(listenTcp({ ...address, onLink })).rejects.toMatchObject({
      code: 'FLATEND_MONTE_LISTEN',
      message: `cannot listen on 127.0.0.1:${address.port}: the port is taken by another program (EADDRINUSE)`,
    })
    await expect(listenTcp({ host: '192.0.2.1', port: 0, onLink })).rejects.toThrow(
      'this machine has no such address (EADDRNOTAVAIL)',
    )
    await expect(listenTcp({ host: '', port: -1, onLink })).rejects.toThrow('*:-1: -1 is no port')
  })

  test('closed takes no more, and keeps what is open', async () => {
    const links: TcpLink[] = []
    const listener = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onLink: (link) => links.push(link),
    })
    const link = await dialTcp(listener.address)
    while (links.length === 0) await new Promise((resolve) => setImmediate(resolve))
    listener.close()
    await expect(dialTcp(listener.address)).rejects.toThrow('nothing listens there')
    const far = links[0] as TcpLink
    const chunks: Uint8Array[] = []
    const ended = new Promise<void>((resolve) => {
      far.attach({
        onData: (chunk) => chunks.push(chunk),
        onDrain: () => undefined,
        onEnd: resolve,
        onClose: () => undefined,
      })
    })
    link.write([Uint8Array.of(1), Uint8Array.of(2)])
    link.end()
    await ended
    expect(Buffer.concat(chunks)).toEqual(Buffer.of(1, 2))
    far.destroy()
    link.destroy()
  })
})

test('the peer’s reset is an error of the link, and no exception', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const link = await dialTcp({ host: '127.0.0.1', port })
  const closed = new Promise<Error | undefined>((resolve) => {
    link.attach({
      onData: () => undefined,
      onDrain: () => undefined,
      onEnd: () => undefined,
      onClose: resolve,
    })
  })
  while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
  sockets[0]?.resetAndDestroy()
  expect(await closed).toMatchObject({ code: 'ECONNRESET' })
  expect(link.write([new Uint8Array(1)])).toBe(false)
})
