import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Node, type NodeOptions } from '../src/index.ts'
import { createTransport } from '../src/transport.ts'
import { type LogLine, recordingLog } from './support/log.ts'

const bindAddrs = ['127.0.0.1:0']
const hasIpv6 = await bind('::1').then(
  (server) => {
    server.close()
    return true
  },
  () => false,
)

async function bind(host: string, port = 0): Promise<Server> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return server
}

async function start(options: NodeOptions = {}): Promise<Node> {
  const node = await Node.start({ bindAddrs, ...options })
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

/** A resolver that says what the test says, and counts. */
function resolver(answers: Record<string, readonly string[]>) {
  const asked: string[] = []
  const transport = createTransport({
    resolve: (host) => {
      asked.push(host)
      const found = answers[host]
      if (found) return Promise.resolve(found)
      return Promise.reject(Object.assign(new Error(`getaddrinfo ${host}`), { code: 'ENOTFOUND' }))
    },
  })
  return { answers, asked, transport }
}

const portOf = (node: Node): string => node.address?.split(':').at(-1) ?? ''
const keysOf = (node: Node): string[] => node.peers().map(({ id }) => id.toString())

/** Waits until it holds; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('host names', () => {
  test('all addresses are used: the one that is a node of this mesh need not be the first', async () => {
    const seed = await start({ network: 'right' })
    const port = Number(portOf(seed))
    // At the first address nobody is, at the second a node of another mesh.
    const wrong = await start({ network: 'wrong', bindAddrs: [`127.0.0.3:${port}`] })
    const { transport } = resolver({ mesh: ['127.0.0.2', '127.0.0.3', '127.0.0.1'] })
    const node = await start({ network: 'right', addrs: [`mesh:${port}`], transport })
    expect(keysOf(node)).toEqual([seed.id.toString()])
    expect(wrong.peers()).toEqual([])
  })

  test('every address is joined, so that two halves become one mesh', async () => {
    const first = await start()
    const port = portOf(first)
    const second = await start({ bindAddrs: [`127.0.0.2:${port}`] })
    const { transport } = resolver({ mesh: ['127.0.0.1', '127.0.0.2'] })
    const node = await start({ addrs: [`mesh:${port}`], transport })
    await until(() => node.peers().length === 2)
    expect(keysOf(node).toSorted()).toEqual([first.id, second.id].map(String).toSorted())
  })

  test('a name is resolved again at each try, and may be known only later', async () => {
    const seed = await start()
    const { answers, asked, transport } = resolver({})
    const logger = recordingLog()
    const node = await start({ addrs: [`mesh:${portOf(seed)}`], transport, logger })
    expect(node.peers()).toEqual([])
    answers['mesh'] = ['127.0.0.1']
    await until(() => node.peers().length === 1)
    expect(asked.length).toBeGreaterThan(1)
    expect(warnings(logger.lines)).toEqual([expect.stringContaining('the host name is not known')])
  })

  test('a node that finds itself alone behind the name goes on looking', async () => {
    const { answers, transport } = resolver({ mesh: ['127.0.0.1'] })
    const spare = await bind('127.0.0.1')
    const { port } = spare.address() as AddressInfo
    spare.close()
    await once(spare, 'close')
    const logger = recordingLog()
    const own = { bindAddrs: [`127.0.0.1:${port}`], addrs: [`mesh:${port}`] }
    const node = await start({ ...own, transport, logger })
    expect(node.peers()).toEqual([])
    await start({ bindAddrs: [`127.0.0.2:${port}`] })
    answers['mesh'] = ['127.0.0.1', '127.0.0.2']
    await until(() => node.peers().length === 1)
    expect(warnings(logger.lines)).toEqual([])
  })

  test('the name of this machine, and IPv6', async ({ skip }) => {
    if (!hasIpv6) skip('joining over IPv6: this machine has no address ::1')
    const seed = await start({ bindAddrs: ['[::1]:0'] })
    expect(seed.address).toMatch(/^\[::1\]:\d+$/)
    const node = await start({ bindAddrs: ['[::1]:0'], addrs: [seed.address as string] })
    expect(keysOf(node)).toEqual([seed.id.toString()])
    await until(() => keysOf(seed).includes(node.id.toString()))
    const { transport } = resolver({ both: ['127.0.0.1', '::1'] })
    const third = await start({ addrs: [`both:${portOf(seed)}`], transport })
    expect(keysOf(third)).toContain(seed.id.toString())
    const local = await start({ bindAddrs: ['127.0.0.1:0'] })
    const fourth = await start({ addrs: [`localhost:${portOf(local)}`] })
    expect(keysOf(fourth)).toEqual([local.id.toString()])
  })
})

const warnings = (lines: readonly LogLine[]): string[] =>
  lines
    .filter(({ level, message }) => level === 'warn' && message.startsWith('cannot join'))
    .map(({ message }) => message)

/** What a node says that cannot join there, having tried three times. */
async function complaint(addr: string, options: NodeOptions = {}): Promise<LogLine> {
  const logger = recordingLog()
  const node = await start({ ...options, addrs: [addr], logger })
  const tries = () =>
    logger.lines.filter(({ type, message }) => message === 'discovery' && type === 'dial-failed')
  await until(() => tries().length >= 3)
  expect(node.peers()).toEqual([])
  expect(warnings(logger.lines)).toHaveLength(1)
  return logger.lines.find(({ message }) => message.startsWith('cannot join')) as LogLine
}

describe('what is wrong with a seed is said once, with the cure', () => {
  test('nobody is there', async () => {
    const server = await bind('127.0.0.1')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const { message, cure } = await complaint(`127.0.0.1:${port}`)
    expect(message).toBe(`cannot join through 127.0.0.1:${port}: nothing can be connected to there`)
    expect(cure).toContain('start the node there')
  })

  test('a web server', async () => {
    const server = createHttpServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { message, reason } = await complaint(
      `127.0.0.1:${(server.address() as AddressInfo).port}`,
    )
    expect(message).toContain('what answers there is no flatend node')
    expect(reason).toContain('"HTTP/1.1 400 Bad Request"')
  })

  test('another network', async () => {
    const other = await start({ network: 'other' })
    const { message } = await complaint(other.address as string, { network: 'this' })
    expect(message).toContain('the node there is of another network')
  })

  test('a network with a key', async () => {
    const other = await start({ networkKey: new Uint8Array(32).fill(1) })
    const { message } = await complaint(other.address as string)
    expect(message).toContain('the node there is of another network')
  })

  test('another key than the one expected', async () => {
    const other = await start()
    const { message, cure } = await complaint(`${'0a'.repeat(32)}@${other.address}`)
    expect(message).toContain('another key than the one expected')
    expect(cure).toContain('before the @')
    expect(other.peers()).toEqual([])
  })

  test('the right key joins', async () => {
    const other = await start()
    const node = await start({ addrs: [`${other.id.toString()}@${other.address}`] })
    expect(keysOf(node)).toEqual([other.id.toString()])
  })

  test('a node that lets nobody in', async () => {
    const other = await start({ allow: { peers: [] } })
    const logger = recordingLog()
    await start({ addrs: [other.address as string], logger })
    const left = () => logger.lines.filter(({ message }) => message === 'peer disconnected')
    await until(() => left().length >= 3)
    const [message = '', ...more] = warnings(logger.lines)
    expect(message).toContain('does not let this one in')
    expect(more).toEqual([])
  })

  test('an address that comes to life is told of too', async () => {
    const server = await bind('127.0.0.1')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const logger = recordingLog()
    const node = await start({ addrs: [`127.0.0.1:${port}`], logger })
    await until(() => warnings(logger.lines).length === 1)
    await start({ bindAddrs: [`127.0.0.1:${port}`] })
    await until(() => node.peers().length === 1)
    expect(logger.lines.some(({ message }) => message.startsWith('joined through'))).toBe(true)
  })
})
