import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { DriverOptions, Exchange, RequestBody } from '../../src/driver.ts'
import { bytes, DRIVERS, deferred, type Running, run, settled } from './bench.ts'
import { A_CERTIFICATE, A_KEY } from './fixtures.ts'

const MEGABYTE = 1 << 20
/** What the system keeps on loopback at both ends, and the driver. */
const IN_FLIGHT = 16 * MEGABYTE
/** What a driver keeps for a reader, and what the next turn brings: libuv reads up to 2 MiB in one. */
const KEPT = 4 * MEGABYTE

interface FloodOptions {
  readonly total: number
  readonly tls?: boolean
  readonly chunked?: boolean
  /** It waits to be told to go on. */
  readonly asks?: boolean
  /** Paths asked for on the same connection before the upload, and after it. */
  readonly before?: readonly string[]
  readonly after?: readonly string[]
}

interface Flood {
  /** Bytes of the body that its system took so far. */
  readonly sent: () => number
  /** Statuses of its answers, 0 for none, and the hash of what it sent. */
  readonly done: Promise<{ readonly statuses: readonly number[]; readonly sha1: string }>
  readonly leave: () => void
}

function flood(port: number, options: FloodOptions): Flood {
  const shared = new SharedArrayBuffer(8)
  const state = new Int32Array(shared)
  const defaults = { tls: false, chunked: false, asks: false, before: [], after: [] }
  const workerData = { ...defaults, ...options, port, shared }
  const worker = new Worker(new URL('flood.cjs', import.meta.url), { workerData })
  return {
    sent: () => Atomics.load(state, 0) * 1_024,
    done: new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
    }),
    leave: () => void Atomics.store(state, 1, 1),
  }
}

/** Reads a body, and can tell what is there without waiting. */
class Reader {
  readonly hash = createHash('sha1')
  readonly #body: RequestBody
  #next: Promise<Uint8Array | null> | undefined
  ended = false

  constructor(body: RequestBody) {
    this.#body = body
  }

  /** The length of the next chunk. */
  async read(): Promise<number> {
    const chunk = await this.#take()
    this.#next = undefined
    if (chunk === null) this.ended = true
    else this.hash.update(chunk)
    return chunk?.length ?? 0
  }

  /** Takes all that is kept; how much that was. */
  async drain(): Promise<number> {
    let kept = 0
    while (!this.ended) {
      const tick = new Promise<undefined>((resolve) => setImmediate(resolve, undefined))
      if ((await Promise.race([this.#take(), tick])) === undefined) return kept
      kept += await this.read()
    }
    return kept
  }

  async rest(): Promise<string> {
    while (!this.ended) await this.read()
    return this.hash.digest('hex')
  }

  #take(): Promise<Uint8Array | null> {
    this.#next ??= this.#body.read()
    return this.#next
  }
}

/** Answers what is asked before and after; uploads are for the test. */
async function serve(
  name: Running['name'],
  options: Partial<DriverOptions> = {},
): Promise<{ readonly running: Running; readonly uploads: () => Promise<Exchange> }> {
  const waiting: ((exchange: Exchange) => void)[] = []
  const arrived: Exchange[] = []
  const running = await run(
    name,
    (exchange) => {
      if (exchange.rawPath === '/small') exchange.respond(200, [], { body: bytes('small') })
      else if (exchange.rawPath === '/large') {
        exchange.respond(200, [], { body: new Uint8Array(8 * MEGABYTE) })
      } else if (waiting.length > 0) waiting.shift()?.(exchange)
      else arrived.push(exchange)
    },
    options,
  )
  const uploads = (): Promise<Exchange> => {
    const next = arrived.shift()
    if (next !== undefined) return Promise.resolve(next)
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  return { running, uploads }
}

/** Not read for a while, then now and then, then all of it. */
async function consume(exchange: Exchange, client: Flood): Promise<string> {
  expect(await settled(client.sent)).toBeLessThan(IN_FLIGHT)
  const reader = new Reader(exchange.body)
  for (let i = 0; i < 20; i++) {
    expect(await reader.drain()).toBeLessThan(KEPT)
    const before = client.sent()
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(client.sent() - before).toBeLessThan(IN_FLIGHT)
  }
  const sha1 = await reader.rest()
  exchange.respond(200, [], { body: bytes('ok') })
  return sha1
}

describe.each(DRIVERS)('an upload as fast as it is let, driver %s', (name) => {
  const total = 64 * MEGABYTE
  const certificates = [{ names: ['localhost'], certificate: A_CERTIFICATE, key: A_KEY }]

  test.each<[what: string, options: Omit<FloodOptions, 'total'>]>([
    ['on a fresh connection', {}],
    ['after a small answer, and before one', { before: ['/small'], after: ['/small'] }],
    ['after a large answer, and before one', { before: ['/large'], after: ['/large'] }],
    ['after many', { before: ['/small', '/large', '/large'], after: ['/large', '/small'] }],
    ['in chunks', { chunked: true, before: ['/large'] }],
    ['asked for first', { asks: true, before: ['/large'], after: ['/small'] }],
    ['by TLS', { tls: true, before: ['/large'], after: ['/small'] }],
  ])('%s', async (_what, options) => {
    const { running, uploads } = await serve(name, options.tls === true ? { certificates } : {})
    for (let i = 0; i < 2; i++) {
      const client = flood(running.port, { total, ...options })
      const sha1 = await consume(await uploads(), client)
      const requests = 1 + (options.before?.length ?? 0) + (options.after?.length ?? 0)
      const statuses = Array.from({ length: requests }, () => 200)
      expect(await client.done).toEqual({ statuses, sha1 })
    }
  })

  test('several at once', async () => {
    const { running, uploads } = await serve(name)
    const clients = Array.from({ length: 3 }, (_, i) =>
      flood(running.port, { total: (i + 2) * 16 * MEGABYTE, before: i === 0 ? [] : ['/large'] }),
    )
    const exchanges = [await uploads(), await uploads(), await uploads()]
    const hashes = await Promise.all(
      exchanges.map(async (exchange) => {
        const client = clients[(exchange.body.length ?? 0) / (16 * MEGABYTE) - 2] as Flood
        return await consume(exchange, client)
      }),
    )
    const sent = await Promise.all(clients.map((client) => client.done))
    expect(sent.map(({ sha1 }) => sha1).toSorted()).toEqual(hashes.toSorted())
  })

  test('whose client leaves while nobody reads', async () => {
    const { running, uploads } = await serve(name)
    const client = flood(running.port, { total })
    const exchange = await uploads()
    await settled(client.sent)
    const closed = deferred()
    exchange.onClose(() => closed.resolve())
    client.leave()
    expect((await client.done).statuses).toEqual([0])
    await expect(new Reader(exchange.body).rest()).rejects.toThrow(Error)
    await closed.promise
  })

  test('answered without a read', async () => {
    const { running, uploads } = await serve(name)
    const client = flood(running.port, { total, before: ['/small'] })
    const exchange = await uploads()
    expect(await settled(client.sent)).toBeLessThan(IN_FLIGHT)
    exchange.respond(413, [], { body: bytes('too large') })
    const { statuses } = await client.done
    // The client may have been cut off in the middle of its upload, before it read the answer.
    expect(statuses[0]).toBe(200)
    expect([413, 0]).toContain(statuses[1])
  })
})
