import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { chooseEncoding } from '../src/compress/negotiate.ts'
import { ENCODINGS } from '../src/compress/port.ts'
import { parseConfig } from '../src/config/parse.ts'
import { createCompressors } from '../src/zlib/index.ts'
import type { TestExchange } from './support/exchange.ts'
import { bytes, type Harness, start } from './support/harness.ts'

const HTTP = 'compress = true\n[[http.routes]]\npath = "GET /a"\nservice = "a"\n'
const TEXT = 'All work and no play makes Jack a dull boy. '.repeat(100)
const compressors = createCompressors()
const zstd = (zlib as { zstdDecompressSync?: (data: Uint8Array) => Buffer }).zstdDecompressSync

const decoders: Readonly<Record<string, (data: Uint8Array) => Buffer>> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  ...(zstd ? { zstd } : {}),
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

interface Asked {
  readonly accept?: string
  readonly method?: string
  readonly http?: string
  readonly httpVersion?: '1.0' | '1.1' | '2.0'
}

/** What a client gets of a service that answers this. */
async function answer(
  headers: readonly string[],
  body: readonly string[] = [TEXT],
  { accept = 'br, gzip', method = 'GET', http = HTTP, httpVersion = '1.1' }: Asked = {},
): Promise<TestExchange & Pick<Harness, 'tick'>> {
  const { send, caller, tick } = await start(http, { compressors })
  const exchange = send({
    path: '/a',
    method,
    httpVersion,
    headers: accept === '' ? [] : ['accept-encoding', accept],
  })
  const { sink } = caller.last
  sink.response(200, headers)
  for (const piece of body) sink.data(bytes(piece))
  sink.end()
  tick()
  await until(() => exchange.complete)
  return Object.assign(exchange, { tick })
}

describe('the coding', () => {
  it.each([
    ['gzip', 'gzip'],
    ['gzip, br', 'br'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['GZIP;q=0.1', 'gzip'],
    ['x-gzip', 'gzip'],
    ['*', 'br'],
    ['*;q=0.1, br;q=0', 'zstd'],
    ['zstd, gzip', 'zstd'],
    ['br;q=0, gzip;q=0.000', undefined],
    ['*;q=0', undefined],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=1', 'gzip'],
    ['gzip;q=2, br;q=-1', undefined],
    ['gzip;q=0.1234', undefined],
    ['deflate', undefined],
    ['', undefined],
    [undefined, undefined],
    [';;;, gzip ; q=0.5 ,', 'gzip'],
  ])('of %j is %s', (accept, expected) => {
    expect(chooseEncoding(accept, ENCODINGS)).toBe(expected)
  })
})

describe('an answer', () => {
  it.each(Object.keys(decoders))('is compressed by %s and says so', async (encoding) => {
    const exchange = await answer(
      ['content-type', 'text/plain; charset=utf-8', 'etag', '"v1"', 'accept-ranges', 'bytes'],
      [TEXT],
      {
        accept: encoding,
      },
    )
    expect(exchange.header('content-encoding')).toBe(encoding)
    expect(exchange.header('vary')).toBe('accept-encoding')
    expect(exchange.header('etag')).toBe('W/"v1"')
    expect(exchange.header('accept-ranges')).toBeUndefined()
    expect(exchange.options).toEqual({})
    const sent = Buffer.concat(exchange.chunks)
    expect(sent.length).toBeLessThan(500)
    expect(decoders[encoding]!(sent).toString()).toBe(TEXT)
  })

  it.each([
    ['text/html'],
    ['application/json'],
    ['application/problem+json'],
    ['image/svg+xml'],
    ['application/wasm'],
    ['Application/JavaScript; charset=utf-8'],
  ])('of type %s is compressed', async (type) => {
    expect((await answer(['content-type', type])).header('content-encoding')).toBe('br')
  })

  it.each<[string, readonly string[], (readonly string[] | undefined)?, Asked?]>([
    ['events', ['content-type', 'text/event-stream; charset=utf-8']],
    ['an image', ['content-type', 'image/png']],
    ['a zip', ['content-type', 'application/zip']],
    ['without a type', []],
    ['compressed already', ['content-type', 'text/plain', 'content-encoding', 'zstd']],
    ['not to be changed', ['content-type', 'text/plain', 'cache-control', 'public, no-transform']],
    ['with a digest', ['content-type', 'text/plain', 'content-digest', 'sha-256=:x:']],
    ['a part', ['content-type', 'text/plain', 'content-range', 'bytes 0-1/2']],
    ['small', ['content-type', 'text/plain'], ['short']],
    ['for HTTP/1.0', ['content-type', 'text/plain'], [TEXT], { httpVersion: '1.0' }],
    ['for a client that takes none', ['content-type', 'text/plain'], [TEXT], { accept: '' }],
    [
      'of a listener that does not',
      ['content-type', 'text/plain'],
      [TEXT],
      { http: HTTP.replace('true', 'false') },
    ],
  ])('%s stays as it is', async (...[, headers, body = [TEXT], asked = {}]) => {
    const exchange = await answer(headers, body, asked)
    const before = headers.includes('content-encoding') ? 'zstd' : undefined
    expect(exchange.header('content-encoding')).toBe(before)
    expect(exchange.text()).toBe(body.join(''))
  })

  it('that could be, for another client, says so to caches; a vary it has is kept', async () => {
    const plain = await answer(['content-type', 'text/plain', 'etag', '"v"'], [TEXT], {
      accept: 'deflate',
    })
    expect(plain.header('vary')).toBe('accept-encoding')
    expect(plain.header('etag')).toBe('"v"')
    const varies = await answer(['content-type', 'text/plain', 'vary', 'Origin, Accept-Encoding'])
    expect(varies.header('vary')).toBe('Origin, Accept-Encoding')
    const origin = await answer(['content-type', 'text/plain', 'vary', 'origin'])
    expect(origin.header('vary')).toBe('origin, accept-encoding')
  })

  it('to HEAD has the headers of the one to GET, and no length', async () => {
    const exchange = await answer(
      ['content-type', 'text/plain', 'content-length', `${TEXT.length}`],
      [],
      { method: 'HEAD' },
    )
    expect(exchange.header('content-encoding')).toBe('br')
    expect(exchange.options).toEqual({ end: true })
  })

  it('uses what the configuration allows', async () => {
    const http = HTTP.replace('true', '{ encodings = ["gzip"], min_size = 5 }')
    const exchange = await answer(['content-type', 'text/plain'], ['small'], { http })
    expect(exchange.header('content-encoding')).toBe('gzip')
    expect(gunzipSync(Buffer.concat(exchange.chunks)).toString()).toBe('small')
  })
})

describe('a stream', () => {
  it.each(Object.keys(decoders))(
    'leaves with each tick, readable so far, by %s',
    async (encoding) => {
      const { send, caller, tick } = await start(HTTP, { compressors })
      const exchange = send({ path: '/a', headers: ['accept-encoding', encoding] })
      const { sink } = caller.last
      sink.response(200, ['content-type', 'application/x-ndjson'])
      sink.data(bytes('{"n":1}\n'))
      tick()
      tick()
      const part = (): string =>
        encoding === 'gzip'
          ? gunzipSync(Buffer.concat(exchange.chunks), {
              finishFlush: zlib.constants.Z_SYNC_FLUSH,
            }).toString()
          : ''
      await until(() => exchange.chunks.length > (encoding === 'gzip' ? 1 : 0))
      // Nothing of the end came, and the first line is there.
      expect(exchange.complete).toBe(false)
      expect(part()).toBe(encoding === 'gzip' ? '{"n":1}\n' : '')
      const before = exchange.chunks.length
      sink.data(bytes('{"n":2}\n'))
      tick()
      await until(() => exchange.chunks.length > before)
      sink.end()
      await until(() => exchange.complete)
      expect(decoders[encoding]!(Buffer.concat(exchange.chunks)).toString()).toBe(
        '{"n":1}\n{"n":2}\n',
      )
    },
  )

  it('that nobody takes holds its service back', async () => {
    const { send, caller, tick } = await start(HTTP, { compressors })
    const exchange = send({ path: '/a', room: 1, headers: ['accept-encoding', 'gzip'] })
    const { last } = caller
    last.sink.response(200, ['content-type', 'text/plain'])
    const noise = randomBytes(65_536)
    let given = 0
    // As a call with 256 KiB of credit.
    while (given < 200 && given * noise.length - last.consumedBytes < 262_144) {
      last.sink.data(Uint8Array.from(noise))
      given++
      tick()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(given).toBeLessThan(20)
    exchange.makeRoom(1_000_000)
    last.sink.end()
    await until(() => exchange.complete)
    expect(gunzipSync(Buffer.concat(exchange.chunks)).length).toBe(given * noise.length)
  })

  it('breaks where the service fails, and stops where the client leaves', async () => {
    const { send, caller, tick } = await start(HTTP, { compressors })
    const open = () => {
      const exchange = send({ path: '/a', headers: ['accept-encoding', 'gzip'] })
      caller.last.sink.response(200, ['content-type', 'text/plain'])
      caller.last.sink.data(bytes(TEXT))
      tick()
      return { exchange, call: caller.last }
    }
    const failed = open()
    failed.call.sink.fail({ code: 'X', kind: 'handler', message: '', expose: false })
    expect(failed.exchange).toMatchObject({ aborted: true, complete: false })
    const left = open()
    left.exchange.close()
    expect(left.call.cancelled).toBe('client closed')
  })
})

const parsed = (value: string) =>
  parseConfig(`[[http]]\ncompress = ${value}`).listeners[0]?.compress

describe('the key compress', () => {
  it('is true, false or a table', () => {
    expect(parsed('true')).toEqual({ encodings: ['br', 'zstd', 'gzip'], minSize: 1_024 })
    expect(parsed('false')).toBeUndefined()
    expect(parsed('{ encodings = ["gzip", "br"] }')?.encodings).toEqual(['gzip', 'br'])
    expect(() => parsed('{ encodings = ["deflate"] }')).toThrow('"deflate" is no coding')
    expect(() => parsed('{ level = 1 }')).toThrow('level')
    expect(() => parsed('"br"')).toThrow('compress')
  })
})
