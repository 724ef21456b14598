import { afterAll } from 'vitest'
import type { Driver, DriverOptions, Exchange } from '../../src/driver.ts'
import { nodeDriver } from '../../src/http2/index.ts'
import { loadUws, uwsDriver } from '../../src/uws/index.ts'
import { RawClient, type RawOptions } from './raw-client.ts'

export type DriverName = 'uws' | 'node'

export const DRIVERS: readonly DriverName[] = [
  'error' in loadUws() ? [] : ['uws'],
  'node',
].flat() as DriverName[]

const LIMITS = {
  host: '127.0.0.1',
  port: 0,
  readTimeoutMs: 20_000,
  readHeaderTimeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  writeTimeoutMs: 20_000,
  maxHeaderSize: 16_384,
}

export interface Running {
  readonly name: DriverName
  readonly driver: Driver
  readonly port: number
  /** Requests the handler saw. */
  readonly seen: Exchange[]
  readonly open: (options?: Partial<RawOptions>) => Promise<RawClient>
}

const started: Driver[] = []
const clients: RawClient[] = []

afterAll(() => {
  for (const client of clients.splice(0)) client.socket.destroy()
  for (const driver of started.splice(0)) driver.destroy()
})

export function makeDriver(name: DriverName, options: Partial<DriverOptions> = {}): Driver {
  const driver = (name === 'uws' ? uwsDriver : nodeDriver)({ ...LIMITS, ...options })
  started.push(driver)
  return driver
}

export async function run(
  name: DriverName,
  handler: (exchange: Exchange) => void,
  options: Partial<DriverOptions> = {},
): Promise<Running> {
  const driver = makeDriver(name, options)
  const seen: Exchange[] = []
  const { port } = await driver.start((exchange) => {
    seen.push(exchange)
    handler(exchange)
  })
  return {
    name,
    driver,
    port,
    seen,
    open: async (more = {}) => {
      const client = await RawClient.open({ port, ...more })
      clients.push(client)
      return client
    },
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes that tell where they belong, so that a lost or doubled one shows. */
export function pattern(length: number, from = 0): Uint8Array {
  const out = Buffer.alloc(length)
  for (let i = 0; i < length; i++) out[i] = ((from + i) * 31 + ((from + i) >> 8)) & 0xff
  return out
}

/** Reads all of a request's body. */
export async function collect(exchange: Exchange): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (;;) {
    const chunk = await exchange.body.read()
    if (chunk === null) return Buffer.concat(parts)
    parts.push(chunk)
  }
}

/** Sends what arrives back, as fast as the client takes it. */
export async function echo(exchange: Exchange): Promise<void> {
  const sink = exchange.respond(200, [])
  for (;;) {
    const chunk = await exchange.body.read()
    if (chunk === null) break
    if (!sink.write(chunk)) await sink.ready()
  }
  sink.end()
}

/** Resolves with a number once it has not changed for a while: nothing else tells of a standstill. */
export async function settled(value: () => number): Promise<number> {
  for (let last = value(), same = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
    if (same === 10) return now
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
