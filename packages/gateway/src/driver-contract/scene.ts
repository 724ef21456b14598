import { ContractError, expectThat } from '../contract/expect.ts'
import type { Driver, DriverOptions, Exchange } from '../driver.ts'
import { RawClient, type RawOptions, type RawResponse } from './raw-client.ts'

/** Makes a driver, which is started once and destroyed after the case. */
export type MakeDriver = (options: DriverOptions) => Driver

/** One promise a driver makes. */
export interface DriverCase {
  readonly name: string
  /** @throws Error where the promise is not kept; listens and connects on 127.0.0.1 */
  readonly run: (make: MakeDriver) => Promise<void>
}

/** Long enough for a machine with much to do: what takes longer does not happen. */
const PATIENCE_MS = 10_000
const LIMITS: DriverOptions = {
  host: '127.0.0.1',
  port: 0,
  readTimeoutMs: 20_000,
  readHeaderTimeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  writeTimeoutMs: 20_000,
  maxHeaderSize: 16_384,
}

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
export const MEGABYTE: number = 1 << 20

/** A driver that may be started, with clients of its own. */
export class Scene {
  readonly #make: MakeDriver
  readonly #drivers: Driver[] = []
  readonly #clients: RawClient[] = []
  /** Requests the handlers saw. */
  readonly seen: Exchange[] = []

  constructor(make: MakeDriver) {
    this.#make = make
  }

  make(options: Partial<DriverOptions> = {}): Driver {
    const driver = this.#make({ ...LIMITS, ...options })
    this.#drivers.push(driver)
    return driver
  }

  /** A driver that listens. */
  async start(
    handler: (exchange: Exchange) => void,
    options: Partial<DriverOptions> = {},
  ): Promise<Running> {
    const driver = this.make(options)
    const { host, port } = await driver.start((exchange) => {
      this.seen.push(exchange)
      handler(exchange)
    })
    expectThat(host === '127.0.0.1' && port > 0, `start tells what was bound, not ${host}:${port}`)
    const open = async (more: ClientOptions = {}): Promise<RawClient> => {
      const client = await RawClient.open({ port, ...more })
      this.#clients.push(client)
      return client
    }
    return { driver, port, open }
  }

  close(): void {
    for (const { socket } of this.#clients) socket.destroy()
    for (const driver of this.#drivers) driver.destroy()
  }
}

type ClientOptions = Omit<RawOptions, 'port'>

/** A driver that listens, and how to connect to it. */
export interface Running {
  readonly driver: Driver
  readonly port: number
  readonly open: (options?: ClientOptions) => Promise<RawClient>
}

/** A case that ends in time, well or badly, and leaves nothing open. */
export function driverCase(name: string, play: (scene: Scene) => Promise<void>): DriverCase {
  return {
    name,
    run: async (make) => {
      const scene = new Scene(make)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        const error = new ContractError(`it takes longer than ${PATIENCE_MS} ms`)
        timer = setTimeout(() => reject(error), PATIENCE_MS)
      })
      try {
        await Promise.race([play(scene), late])
      } finally {
        clearTimeout(timer)
        scene.close()
      }
    },
  }
}

/** The next answer, whole. */
export async function answerTo(client: RawClient, method?: string): Promise<RawResponse> {
  const response = await client.response(method)
  expectThat(response !== undefined, 'an answer comes, whole')
  return response
}

/** Reads all of a request's body. */
export async function collect({ body }: Exchange): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let chunk = await body.read(); chunk; chunk = await body.read()) parts.push(chunk)
  return Buffer.concat(parts)
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Resolves with a number once it stands still: nothing else tells of that. */
export async function settled(value: () => number): Promise<number> {
  for (let last = value(), same = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
    if (same === 10) return now
  }
}

/** A promise, and how it is resolved. */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** See {@link deferred}. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

/** What a call throws. @throws ContractError where that is nothing */
export function thrownBy(call: () => unknown, what: string): { readonly code?: unknown } {
  try {
    call()
  } catch (error) {
    return error as { readonly code?: unknown }
  }
  throw new ContractError(`${what}: nothing was thrown`)
}
