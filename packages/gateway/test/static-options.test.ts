import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import type { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import { createFiles } from '../src/files/index.ts'
import { createCompressors } from '../src/zlib/index.ts'
import type { ExchangeInput, TestExchange } from './support/exchange.ts'
import { start } from './support/harness.ts'

const top = mkdtempSync(join(tmpdir(), 'flatend-static-'))
const APP = 'console.log(1);'.repeat(200)
const put = (name: string, content: string | Buffer, seconds = 1_700_000_000): void => {
  writeFileSync(join(top, name), content)
  utimesSync(join(top, name), seconds, seconds)
}
for (const folder of ['site/sub', 'site/<b>', 'site/.git', 'outside'])
  mkdirSync(join(top, folder), { recursive: true })
put('site/index.html', '<h1>app</h1>')
put('site/app.js', APP)
put('site/app.js.br', brotliCompressSync(APP))
put('site/app.js.gz', gzipSync(APP))
put('site/old.txt', 'new text')
put('site/old.txt.gz', gzipSync('old text'), 1_600_000_000)
put('site/index.html.zst', 'not really zstd')
put('site/sub/a&b.txt', 'x')
put('site/sub/.hidden', 'x')
put('outside/secret.txt', 'secret')
symlinkSync('../../outside/secret.txt', join(top, 'site/sub/out.txt'))
symlinkSync('../app.js', join(top, 'site/sub/in.js'))
symlinkSync('nowhere', join(top, 'site/sub/broken'))
afterAll(() => rmSync(top, { recursive: true }))

const route = (keys: string): string =>
  `[[http.routes]]\npath = "GET /"\nstatic = "site"\n${keys}\n`

// oxlint-disable-next-line eslint/max-params -- what is asked, of which route
async function get(
  path: string,
  keys: string,
  input: ExchangeInput = {},
  listener = '',
): Promise<TestExchange> {
  const more = { files: createFiles({ base: top }), compressors: createCompressors() }
  const harness = await start(listener + route(keys), more)
  const exchange = harness.send({ path, ...input })
  while (harness.gateway.inFlight > 0 || !exchange.complete)
    await new Promise((resolve) => setImmediate(resolve))
  return exchange
}
const accepting = (value: string, ...more: readonly string[]): ExchangeInput => ({
  headers: ['accept-encoding', value, ...more],
})

describe('precompressed', () => {
  it.each([
    ['gzip, br', 'br', brotliCompressSync(APP)],
    ['gzip', 'gzip', gzipSync(APP)],
    ['br;q=0.1, gzip', 'gzip', gzipSync(APP)],
    ['zstd, gzip;q=0.5', 'gzip', gzipSync(APP)],
    ['zstd', undefined, Buffer.from(APP)],
    ['', undefined, Buffer.from(APP)],
  ])('Accept-Encoding %j gets %s', async (accept, encoding, body) => {
    const exchange = await get('/app.js', 'precompressed = true', accepting(accept))
    expect(exchange.header('content-encoding')).toBe(encoding)
    expect(exchange.header('content-type')).toBe('text/javascript; charset=utf-8')
    expect(exchange.header('vary')).toBe('accept-encoding')
    expect(Buffer.concat(exchange.chunks).equals(body)).toBe(true)
  })

  it('has an ETag of its own for each, ranges and conditions of what is sent', async () => {
    const [br, gzip, plain] = [
      await get('/app.js', 'precompressed = true', accepting('br')),
      await get('/app.js', 'precompressed = true', accepting('gzip')),
      await get('/app.js', 'precompressed = true'),
    ]
    const tags = [br, gzip, plain].map((one) => one.header('etag')!)
    expect(new Set(tags).size).toBe(3)
    const again = await get(
      '/app.js',
      'precompressed = true',
      accepting('br', 'if-none-match', tags[0]!),
    )
    expect(again.status).toBe(304)
    expect(again.header('vary')).toBe('accept-encoding')
    const part = await get(
      '/app.js',
      'precompressed = true',
      accepting('br', 'range', 'bytes=0-3', 'if-range', tags[0]!),
    )
    expect(part).toMatchObject({ status: 206 })
    expect(Buffer.concat(part.chunks).equals(brotliCompressSync(APP).subarray(0, 4))).toBe(true)
  })

  it('serves the index of a folder so too, and nothing that is older than its file', async () => {
    expect((await get('/', 'precompressed = true', accepting('zstd'))).text()).toBe(
      'not really zstd',
    )
    const old = await get('/old.txt', 'precompressed = true', accepting('gzip'))
    expect([old.header('content-encoding'), old.text()]).toEqual([undefined, 'new text'])
  })

  it('only where it is asked for, and never twice where the listener compresses', async () => {
    const off = await get('/app.js', '', accepting('br'))
    expect([off.header('content-encoding'), off.header('vary'), off.text()]).toEqual([
      undefined,
      undefined,
      APP,
    ])
    const once = await get(
      '/app.js',
      'precompressed = true',
      accepting('gzip'),
      'compress = true\n',
    )
    expect(once.header('content-encoding')).toBe('gzip')
    expect(Buffer.concat(once.chunks).equals(gzipSync(APP))).toBe(true)
    const made = await get('/app.js', '', accepting('gzip'), 'compress = true\n')
    expect(made.header('content-encoding')).toBe('gzip')
    expect(made.header('etag')).toMatch(/^W\/"/)
    expect(made.header('accept-ranges')).toBeUndefined()
    const unchanged = await get(
      '/app.js',
      '',
      accepting('gzip', 'if-none-match', made.header('etag')!),
      'compress = true\n',
    )
    expect([unchanged.status, unchanged.header('etag')]).toEqual([304, made.header('etag')])
  })
})

describe('fallback', () => {
  const SPA = 'fallback = "index.html"\nimmutable = true'
  it.each([['/users/7'], ['/users/'], ['/sub/x/y']])('answers for %s', async (path) => {
    const exchange = await get(path, SPA)
    expect([exchange.status, exchange.text()]).toEqual([200, '<h1>app</h1>'])
    expect(exchange.header('cache-control')).toBe('no-cache')
  })

  it.each([['/missing.js'], ['/../x'], ['/.git/config'], ['/sub/.hidden']])(
    'not for %s',
    async (path) => {
      expect([400, 404]).toContain((await get(path, SPA)).status)
    },
  )

  it('files that are there are served as ever', async () => {
    const exchange = await get('/app.js', SPA)
    expect(exchange.text()).toBe(APP)
    expect(exchange.header('cache-control')).toBe('public, max-age=31536000, immutable')
  })
})

describe('listing', () => {
  it('shows what is in a folder, and nothing hidden or outside of it', async () => {
    const exchange = await get('/sub/', 'listing = true')
    expect(exchange.header('content-type')).toBe('text/html; charset=utf-8')
    const links = [...exchange.text().matchAll(/href="([^"]*)">([^<]*)</g)].map(
      ([, href, text]) => [href, text],
    )
    expect(links).toEqual([
      ['../', '../'],
      ['./a%26b.txt', 'a&amp;b.txt'],
      ['./in.js', 'in.js'],
    ])
  })

  it('only where it is asked for; an index wins; a folder gets its slash', async () => {
    expect((await get('/sub/', '')).status).toBe(404)
    expect((await get('/', 'listing = true')).text()).toBe('<h1>app</h1>')
    const slash = await get('/sub', 'listing = true')
    expect([slash.status, slash.header('location')]).toEqual([301, '/sub/'])
    expect((await get('/%3Cb%3E/', 'listing = true')).text()).toContain('<h1>/&lt;b&gt;/</h1>')
    expect((await get('/nowhere/', 'listing = true')).status).toBe(404)
  })
})

describe('keys of static routes', () => {
  it.each([
    [route('fallback = "../x"'), 'fallback'],
    [route('fallback = ""'), 'fallback'],
    [route('nocache = true\nimmutable = true'), 'immutable'],
    [route('listing = "yes"'), 'listing'],
    ['[[http.routes]]\npath = "GET /"\nservice = "a"\nprecompressed = true', 'precompressed'],
  ])('%j is one error', (text, key) => {
    const keys: string[] = []
    try {
      parseConfig(`[[http]]\n${text}`)
    } catch (error) {
      keys.push(...(error as ConfigError).problems.map((one) => one.key))
    }
    expect(keys).toEqual([`http[0].routes[0].${key}`])
  })
})

it('under nocache a part of another version is not sent either', async () => {
  const part = ['range', 'bytes=0-1']
  const nocache = 'nocache = true'
  expect((await get('/old.txt', nocache, { headers: part })).text()).toBe('ne')
  const headers = [...part, 'if-range', 'Tue, 14 Nov 2023 22:13:19 GMT']
  expect((await get('/old.txt', nocache, { headers })).text()).toBe('new text')
})

it('a part says what the choice of the whole depends on', async () => {
  const headers = ['range', 'bytes=0-1']
  const vary = async (path: string): Promise<string | undefined> => {
    const exchange = await get(path, '', { headers }, 'compress = true\n')
    expect(exchange).toMatchObject({ status: 206, complete: true })
    return exchange.header('vary')
  }
  expect(await vary('/app.js')).toBe('accept-encoding')
  // Too small, and no text.
  expect(await vary('/old.txt')).toBeUndefined()
  expect(await vary('/app.js.gz')).toBeUndefined()
})
