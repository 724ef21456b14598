import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { createFiles } from '../src/files/index.ts'
import { formatHttpDate, parseHttpDate } from '../src/static/http-date.ts'
import type { ExchangeInput, TestExchange } from './support/exchange.ts'
import { type Harness, start } from './support/harness.ts'

const top = mkdtempSync(join(tmpdir(), 'flatend-files-'))
const MODIFIED = 1_700_000_000
const DATE = 'Tue, 14 Nov 2023 22:13:20 GMT'
const big = Buffer.alloc(200_000, 'abcdefghij')

for (const folder of ['site/docs', 'site/empty', 'site/.git', 'outside']) {
  mkdirSync(join(top, folder), { recursive: true })
}
const contents: Readonly<Record<string, string | Buffer>> = {
  'site/index.html': '<h1>hi</h1>',
  'site/a b.txt': '0123456789',
  'site/docs/index.html': 'docs',
  'site/docs/page.js': 'js',
  'site/none': '',
  'site/data.bin': big,
  'site/.env': 'secret',
  'site/.git/config': 'secret',
  'outside/secret.txt': 'secret',
  'config.toml': 'x = 1',
}
for (const [name, content] of Object.entries(contents)) {
  writeFileSync(join(top, name), content)
  utimesSync(join(top, name), MODIFIED, MODIFIED)
}
symlinkSync('docs/page.js', join(top, 'site/link.js'))
symlinkSync('../outside/secret.txt', join(top, 'site/out.txt'))
symlinkSync('../outside', join(top, 'site/out'))
symlinkSync('.env', join(top, 'site/env.txt'))
symlinkSync('loop', join(top, 'site/loop'))
afterAll(() => rmSync(top, { recursive: true }))

const ROOT = '[[http.routes]]\npath = "GET /"\nstatic = "site"\n'

async function get(input: ExchangeInput | string, http = ROOT): Promise<TestExchange> {
  const harness = await start(http, { files: createFiles({ base: top }) })
  return finished(harness, typeof input === 'string' ? { path: input } : input)
}

async function finished(harness: Harness, input: ExchangeInput): Promise<TestExchange> {
  const exchange = harness.send(input)
  await until(() => harness.gateway.inFlight === 0)
  return exchange
}

/** File reads end when the system says so: looks again each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a folder at /', () => {
  it.each([
    ['/', '<h1>hi</h1>', 'text/html; charset=utf-8'],
    ['/index.html', '<h1>hi</h1>', 'text/html; charset=utf-8'],
    ['/a%20b.txt', '0123456789', 'text/plain; charset=utf-8'],
    ['/docs/', 'docs', 'text/html; charset=utf-8'],
    ['/docs/page.js', 'js', 'text/javascript; charset=utf-8'],
    ['/docs%2Fpage.js', 'js', 'text/javascript; charset=utf-8'],
    ['/link.js', 'js', 'text/javascript; charset=utf-8'],
    ['/none', '', 'application/octet-stream'],
  ])('serves %s', async (path, text, type) => {
    const exchange = await get(path)
    expect(exchange.status).toBe(200)
    expect(exchange.text()).toBe(text)
    expect(exchange.header('content-type')).toBe(type)
    expect(exchange.header('last-modified')).toBe(DATE)
    expect(exchange.header('etag')).toMatch(/^"[\w-]+"$/)
    expect(exchange.header('accept-ranges')).toBe('bytes')
    expect(exchange.complete).toBe(true)
  })

  it.each([
    '/nope',
    '/empty/',
    '/empty',
    '/.env',
    '/.git/config',
    '/%2eenv',
    '/env.txt',
    '/out.txt',
    '/out/secret.txt',
    '/loop',
    '/docs/page.js/',
    '/docs/page.js/x',
    '//etc/passwd',
    '/docs//page.js',
    '/docs%5Cpage.js',
    '/..%2Foutside%2Fsecret.txt',
    '/docs/..%2F..%2Foutside%2Fsecret.txt',
    `/${'x'.repeat(300)}`,
  ])('has no %s', async (path) => {
    const exchange = await get(path)
    expect(exchange.status).toBe(404)
    expect(exchange.json()).toMatchObject({ code: 'FLATEND_GATEWAY_NO_ROUTE' })
  })

  it.each(['/../outside/secret.txt', '/%2e%2e/outside/secret.txt', '/docs/../../x', '/a%00'])(
    'refuses %s',
    async (path) => expect((await get(path)).status).toBe(400),
  )

  it('leads to a folder with an index', async () => {
    const exchange = await get({ path: '/docs', query: 'a=1' })
    expect(exchange.status).toBe(301)
    expect(exchange.header('location')).toBe('/docs/?a=1')
  })

  it('takes GET and HEAD alone', async () => {
    const head = await get({ method: 'HEAD', path: '/data.bin' })
    expect(head).toMatchObject({ status: 200, complete: true, chunks: [] })
    expect(head.options).toEqual({ end: true, length: 200_000 })
    const post = await get({ method: 'POST', path: '/' })
    expect(post.status).toBe(405)
    expect(post.header('allow')).toBe('GET, HEAD, OPTIONS')
  })
})

describe('elsewhere', () => {
  it.each([
    ['GET /files', '/files/docs/page.js', 'js'],
    ['GET /files', '/files/', '<h1>hi</h1>'],
    ['GET /files/', '/files/docs/', 'docs'],
    ['GET /files/*rest', '/files/a%20b.txt', '0123456789'],
  ])('%s serves %s', async (path, asked, text) => {
    const exchange = await get(asked, `[[http.routes]]\npath = "${path}"\nstatic = "site"\n`)
    expect(exchange.text()).toBe(text)
  })

  it('a folder redirects to its slash', async () => {
    const exchange = await get('/files', '[[http.routes]]\npath="GET /files"\nstatic="site"\n')
    expect(exchange).toMatchObject({ status: 301, sent: ['location', '/files/'] })
  })

  it('a single file is served at its path', async () => {
    const http = '[[http.routes]]\npath="GET /"\nstatic="config.toml"\nnocache=true\n'
    const exchange = await get({ path: '/', headers: ['if-modified-since', DATE] }, http)
    expect(exchange).toMatchObject({ status: 200 })
    expect(exchange.text()).toBe('x = 1')
    expect(exchange.header('cache-control')).toBe('no-cache, private, max-age=0')
    expect(exchange.header('etag')).toBeUndefined()
    expect((await get('/x', http)).status).toBe(404)
  })
})

describe('conditions', () => {
  it.each([
    ['if-none-match', (etag: string) => etag, 304],
    ['if-none-match', (etag: string) => `"x", W/${etag}`, 304],
    ['if-none-match', () => '*', 304],
    ['if-none-match', () => '"x"', 200],
    ['if-match', (etag: string) => etag, 200],
    ['if-match', (etag: string) => `W/${etag}`, 412],
    ['if-match', () => '"x"', 412],
    ['if-modified-since', () => DATE, 304],
    ['if-modified-since', () => 'Tue, 14 Nov 2023 22:13:19 GMT', 200],
    ['if-modified-since', () => 'yesterday', 200],
    ['if-unmodified-since', () => 'Tue, 14 Nov 2023 22:13:19 GMT', 412],
    ['if-unmodified-since', () => DATE, 200],
  ])('%s', async (name, value, status) => {
    const etag = (await get('/none')).header('etag')!
    const exchange = await get({ path: '/none', headers: [name, value(etag)] })
    expect(exchange).toMatchObject({ status, complete: true })
    expect(exchange.header('etag')).toBe(status === 412 ? undefined : etag)
  })
})

describe('ranges', () => {
  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=8-', '89', 'bytes 8-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ['bytes=5-99', '56789', 'bytes 5-9/10'],
  ])('%s', async (range, text, content) => {
    const exchange = await get({ path: '/a%20b.txt', headers: ['range', range] })
    expect(exchange.status).toBe(206)
    expect(exchange.text()).toBe(text)
    expect(exchange.header('content-range')).toBe(content)
  })

  it.each(['bytes=0-1,3-4', 'bytes=4-2', 'bytes=-', 'lines=0-1', 'bytes=a-b'])(
    '%s is the whole',
    async (range) => {
      const exchange = await get({ path: '/a%20b.txt', headers: ['range', range] })
      expect(exchange).toMatchObject({ status: 200 })
      expect(exchange.text()).toBe('0123456789')
    },
  )

  it.each([
    ['/a%20b.txt', 'bytes=10-', 'bytes */10'],
    ['/a%20b.txt', 'bytes=-0', 'bytes */10'],
    ['/none', 'bytes=-1', 'bytes */0'],
  ])('%s %s is none', async (path, range, content) => {
    const exchange = await get({ path, headers: ['range', range] })
    expect(exchange.status).toBe(416)
    expect(exchange.header('content-range')).toBe(content)
  })

  it('hold under If-Range only', async () => {
    const etag = (await get('/a%20b.txt')).header('etag')!
    for (const [condition, status] of [
      [etag, 206],
      [DATE, 206],
      [`W/${etag}`, 200],
      ['"x"', 200],
      ['Tue, 14 Nov 2023 22:13:21 GMT', 200],
    ] as const) {
      const headers = ['range', 'bytes=0-1', 'if-range', condition]
      expect((await get({ path: '/a%20b.txt', headers })).status).toBe(status)
    }
  })
})

describe('a large file', () => {
  it('streams as the client takes it', async () => {
    const harness = await start(ROOT, { files: createFiles({ base: top }) })
    const exchange = harness.send({ path: '/data.bin', room: 1 })
    await until(() => exchange.chunks.length === 1)
    expect(exchange.options).toEqual({ length: 200_000 })
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(exchange.chunks).toHaveLength(1)
    exchange.makeRoom(100)
    await until(() => harness.gateway.inFlight === 0)
    expect(Buffer.concat(exchange.chunks).equals(big)).toBe(true)
    expect(exchange.complete).toBe(true)
    expect(harness.events).toMatchObject([{ responseBytes: 200_000, aborted: false }])
  })

  it('stops for a client that leaves', async () => {
    const harness = await start(ROOT, { files: createFiles({ base: top }) })
    const exchange = harness.send({ path: '/data.bin', room: 1 })
    await until(() => exchange.chunks.length === 1)
    exchange.close()
    await until(() => harness.gateway.inFlight === 0)
    expect(exchange.chunks).toHaveLength(1)
    expect(harness.events).toMatchObject([{ aborted: true, reason: 'client closed' }])
    expect(harness.warnings).toEqual([])
  })

  it('that becomes shorter breaks the connection', async () => {
    const path = join(top, 'site/shrinks.bin')
    // Too large to be kept in memory.
    writeFileSync(path, Buffer.alloc(300_000, 'x'))
    const harness = await start(ROOT, { files: createFiles({ base: top }) })
    const exchange = harness.send({ path: '/shrinks.bin', room: 1 })
    await until(() => exchange.chunks.length === 1)
    truncateSync(path, 70_000)
    exchange.makeRoom(100)
    await until(() => harness.gateway.inFlight === 0)
    expect(exchange).toMatchObject({ aborted: true, complete: false })
  })
})

describe('a configuration with files that are not there', () => {
  it('names all of them with their places', async () => {
    const http = `https = true
[http.tls]
certificate = "config.toml"
key = "nope.pem"
[[http.routes]]
path = "GET /a"
static = "nope"
[[http.routes]]
path = "GET /b"
static = "site"
[[http.routes]]
path = "GET /b/*x"
service = "b"
[[http.routes]]
path = "GET /"
static = "site"
[[http.routes]]
path = "GET /*x"
service = "b"
`
    const error: unknown = await start(http, { files: createFiles({ base: top }) }).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(ConfigError)
    const { problems } = error as ConfigError
    expect(problems.map(({ line, column, key }) => `${line}:${column} ${key}`)).toEqual([
      '5:15 http[0].tls.certificate',
      '6:7 http[0].tls.key',
      '9:10 http[0].routes[0].static',
      '14:1 http[0].routes',
      '17:1 http[0].routes',
    ])
    expect(problems[0]?.message).toContain('it is not PEM')
    expect(problems[2]?.message).toContain('ENOENT')
  })

  it('or without any access to files', async () => {
    await expect(start(ROOT)).rejects.toThrow('no access to files')
  })
})

it('writes and reads dates', () => {
  expect(formatHttpDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  for (let seconds = -3e9; seconds < 2e10; seconds += 12_345_678) {
    const text = new Date(seconds * 1_000).toUTCString()
    expect(formatHttpDate(seconds)).toBe(text)
    expect(parseHttpDate(text)).toBe(seconds)
  }
  for (const bad of ['', 'Tue, 14 Nov 2023', 'Tue, 14 Foo 2023 22:13:20 GMT', '0']) {
    expect(parseHttpDate(bad)).toBeUndefined()
  }
})
