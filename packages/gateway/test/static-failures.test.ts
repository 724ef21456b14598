import { describe, expect, it } from 'vitest'
import type { FileRoot, OpenFile } from '../src/static/file-store.ts'
import { type ExchangeInput, TestExchange } from './support/exchange.ts'
import { failure, start } from './support/harness.ts'

const SIZE = 200_000
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A file whose n-th read fails. */
class FailingFile implements OpenFile {
  readonly name = 'a.txt'
  readonly size = SIZE
  readonly modifiedMs = 0
  readonly version = 'v'
  closed = 0
  #left: number

  constructor(left: number) {
    this.#left = left
  }

  read(_: number, length: number): Promise<Uint8Array> {
    if (this.#left-- > 0) return Promise.resolve(new Uint8Array(length))
    return Promise.reject(new Error('EIO'))
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

async function get(
  find: FileRoot['find'],
  keys = '',
  input: ExchangeInput = {},
): Promise<TestExchange> {
  const root: FileRoot = { kind: 'folder', find }
  const files = { open: () => Promise.resolve(root), readText: () => Promise.resolve('') }
  const harness = await start(`[[http.routes]]\npath = "GET /"\nstatic = "site"\n${keys}`, {
    files,
  })
  const exchange = harness.send({ path: '/a.txt', ...input })
  while (harness.gateway.inFlight > 0) await turn()
  await turn()
  return exchange
}

describe('a file that cannot be read', () => {
  it('from the beginning is answered 500', async () => {
    const file = new FailingFile(0)
    const exchange = await get(() => Promise.resolve(file))
    expect(exchange).toMatchObject({ status: 500, complete: true })
    expect(exchange.json()).toMatchObject({ code: 'FLATEND_GATEWAY_INTERNAL' })
    expect(file.closed).toBe(1)
  })

  it('in the middle breaks the connection', async () => {
    const file = new FailingFile(1)
    const exchange = await get(() => Promise.resolve(file))
    expect(exchange).toMatchObject({ status: 200, complete: false, aborted: true })
    expect(file.closed).toBe(1)
  })

  it('is closed where a compressed one beside it cannot be looked for', async () => {
    const file = new FailingFile(9)
    const find: FileRoot['find'] = ([name]) =>
      name === 'a.txt' ? Promise.resolve(file) : Promise.reject(new Error('EMFILE'))
    const headers = ['accept-encoding', 'br']
    const exchange = await get(find, 'precompressed = true', { headers })
    expect(exchange.status).toBe(500)
    expect(file.closed).toBe(1)
  })
})

it('an answer that the driver refuses whatever it is ends nothing but the request', async () => {
  const root: FileRoot = { kind: 'folder', find: () => Promise.resolve(undefined) }
  const files = { open: () => Promise.resolve(root), readText: () => Promise.resolve('') }
  const guarded = '[[http.routes]]\npath = "GET /a"\nservice = "a"\nauth = "guard"\n'
  const http = `${guarded}[[http.routes]]\npath = "GET /"\nstatic = "site"\n`
  const { drivers, gateway, caller } = await start(http, { files })
  for (const path of ['/a.txt', '/a', '/a']) {
    const exchange = new TestExchange({ path })
    exchange.respond = () => {
      throw new Error('single value')
    }
    drivers[0]!.handler!(exchange)
  }
  caller.calls[0]!.sink.fail(failure('no-provider'))
  caller.calls[1]!.sink.response(401, [])
  caller.calls[1]!.sink.end()
  // Nobody catches what a file's answer throws: the runner would tell.
  await turn()
  await turn()
  expect(gateway.inFlight).toBe(0)
})
