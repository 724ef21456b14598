import { once } from 'node:events'
import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { curl } from '../support/curl.ts'
import { drivers, type Gateway, routes, startGateway } from '../support/gateway.ts'
import { freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

/** How many inputs the ports get; FLATEND_FUZZ multiplies it. */
const MORE = Number(process.env['FLATEND_FUZZ'] ?? 1)
const MESH_ROUNDS = 1_500 * MORE
const HTTP_ROUNDS = 6_000 * MORE
/** Connections open at once. */
const ABREAST = 24
/** A connection that is still open after this long is left, in milliseconds. */
const LEAVE_AFTER = 40

/** Mulberry32: the same inputs for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Generator = (random: () => number) => readonly Buffer[]

const integer = (random: () => number, below: number): number => Math.floor(random() * below)
const pick = <T>(random: () => number, list: readonly T[]): T =>
  list[integer(random, list.length)] as T
function noise(random: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 1) bytes[i] = integer(random, 256)
  return bytes
}

/** How a connection is left. */
interface Leave {
  /** With a reset, in the middle of whatever goes on. */
  readonly abrupt: boolean
  /** At the latest, in milliseconds. */
  readonly afterMs: number
}

/** Sends pieces on one connection and leaves it: politely or not. Errors are the point. */
async function send(
  port: number,
  pieces: readonly Buffer[],
  { abrupt, afterMs }: Leave,
): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  const closed = once(socket, 'close').catch(() => undefined)
  const leave = setTimeout(() => (abrupt ? socket.resetAndDestroy() : socket.destroy()), afterMs)
  for (const piece of pieces) {
    if (socket.destroyed) break
    await new Promise((resolve) => socket.write(piece, resolve))
  }
  if (!abrupt) socket.end()
  await closed
  clearTimeout(leave)
}

/** Inputs, the same every time, thrown at a port, some abreast. */
class Bombardment {
  readonly done: Promise<unknown>
  #left: number

  constructor(port: number, generate: Generator, rounds: number) {
    const random = seeded(rounds)
    this.#left = rounds
    const worker = async (): Promise<void> => {
      while (this.going) {
        this.#left -= 1
        const pieces = generate(random)
        const abrupt = random() < 0.3
        // While it is being answered, too: what is written to a client that is gone fails.
        const afterMs = abrupt && random() < 0.7 ? integer(random, 4) : LEAVE_AFTER
        await send(port, pieces, { abrupt, afterMs })
      }
    }
    this.done = Promise.all(Array.from({ length: ABREAST }, worker))
  }

  get going(): boolean {
    return this.#left > 0
  }
}

/** A key of either version, then packets whose lengths lie, or noise alone. */
const meshGarbage: Generator = (random) => {
  const kind = integer(random, 6)
  if (kind === 0) return [noise(random, integer(random, 2_000))]
  const key = noise(random, 32)
  // The top bit of the last byte offers version 2.
  key[31] = kind % 2 === 0 ? (key[31] as number) | 0x80 : (key[31] as number) & 0x7f
  if (kind === 1) key.fill(0)
  const pieces = [key]
  for (let i = integer(random, 4); i > 0; i -= 1) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(pick(random, [0, 1, 15, 16, 17, 100, 16_384, 16_385, 65_537, 0xffff_ffff]))
    pieces.push(length, noise(random, integer(random, 300)))
  }
  return random() < 0.3 ? [Buffer.concat(pieces)] : pieces
}

const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'TRACE', 'get', 'G\0T', '', 'CONNECT']
const PATHS = [
  '/',
  '/hello',
  '//',
  '/%',
  '/%ff',
  '/../..',
  '*',
  'http://x/hello',
  '/hello?%',
  '',
  '/\0',
]
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2', 'HTTP/9', '']
const HEADERS = [
  'Host: x',
  'Host: x\r\nHost: y',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Transfer-Encoding: identity, chunked',
  'Expect: 100-continue',
  'Connection: upgrade\r\nUpgrade: websocket',
  ': empty',
  ' folded',
  'x: \u0001',
  'params.x: y',
  `x-long: ${'x'.repeat(20_000)}`,
  '\r',
  'no colon',
]

const httpGarbage: Generator = (random) => {
  if (random() < 0.1) return [noise(random, integer(random, 3_000))]
  const lines = [`${pick(random, METHODS)} ${pick(random, PATHS)} ${pick(random, VERSIONS)}`]
  for (let i = integer(random, 6); i > 0; i -= 1) lines.push(pick(random, HEADERS))
  const body = pick(random, ['', 'hello', '5\r\nhello\r\n0\r\n\r\n', 'zz\r\n', 'ffffffffff\r\nx'])
  const request = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  if (random() < 0.3) request[integer(random, request.length)] = integer(random, 256)
  const cut = integer(random, request.length)
  return random() < 0.3 ? [request.subarray(0, cut), request.subarray(cut)] : [request]
}

describe.each([false, true])('garbage at a node, legacy %s', { timeout: 120_000 }, (legacy) => {
  test('it lives, and good peers go on', async () => {
    const port = await freePort()
    const node = await startNode({
      legacy,
      publicAddr: `127.0.0.1:${port}`,
      services: ['pipe', 'hello'],
    })
    const friend = await startNode({ addrs: [`127.0.0.1:${port}`] })
    const bombs = new Bombardment(port, meshGarbage, MESH_ROUNDS)
    let calls = 0
    do {
      expect(await friend.call({ services: ['pipe'], text: 'still here' })).toMatchObject({
        text: 'still here',
      })
      calls += 1
    } while (bombs.going)
    await bombs.done
    expect(calls).toBeGreaterThan(1)
    expect(node.process.alive).toBe(true)
    const newcomer = await startNode({ addrs: [`127.0.0.1:${port}`] })
    expect(await newcomer.call({ services: ['hello'] })).toMatchObject({ text: 'Hello world!' })
  })
})

describe.each(drivers)('garbage at a gateway, driver %s', { timeout: 120_000 }, (driver) => {
  let gateway: Gateway
  let service: RemoteNode

  beforeAll(async () => {
    gateway = await startGateway({
      config: routes(['GET /hello', 'hello'], ['POST /pipe', 'pipe']),
      driver,
    })
    service = await startNode({ addrs: [gateway.mesh], services: ['hello', 'pipe'] })
  }, 60_000)

  test('it lives, and good clients go on', async () => {
    const bombs = new Bombardment(Number(new URL(gateway.url).port), httpGarbage, HTTP_ROUNDS)
    do {
      expect(await curl(`${gateway.url}/hello`)).toMatchObject({ exit: 0, status: 200 })
    } while (bombs.going)
    await bombs.done
    expect(gateway.process.alive && service.process.alive).toBe(true)
    expect(await curl(`${gateway.url}/pipe`, ['-d', 'x'])).toMatchObject({ exit: 0, body: 'x' })
  })
})
