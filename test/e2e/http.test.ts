import { beforeAll, describe, expect, test } from 'vitest'
import { type CurlResponse, curl, valuesOf } from '../support/curl.ts'
import { drivers, type Gateway, routes, startGateway } from '../support/gateway.ts'
import { stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

const SERVICES = [
  'hello',
  'pipe',
  'collect',
  'iterate',
  'read',
  'show',
  'answer',
  'fail',
  'never',
  'constructor',
  '__proto__',
  'toString',
] as const

const config = `${routes(
  ['GET /hello', 'hello'],
  ['GET /show/:first/*rest', 'show'],
  ['GET /show', 'show'],
  ['GET /answer', 'answer'],
  ['GET /fail', 'fail'],
  ['GET /nobody', 'nobody'],
  ['GET /second', 'nobody', 'hello'],
  ['POST /pipe', 'pipe'],
  ['POST /collect', 'collect'],
  ['POST /iterate', 'iterate'],
  ['POST /read', 'read'],
  ['GET /constructor', 'constructor'],
  ['GET /proto', '__proto__'],
  ['GET /string', 'toString'],
  ['GET /value', 'valueOf'],
)}
[[http.routes]]
path = "GET /page"
static = "page.html"

[[http.routes]]
path = "GET /fresh"
static = "page.html"
nocache = true
`

interface Shown {
  readonly headers: Readonly<Record<string, string>>
  readonly raw: readonly string[]
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}

describe.each(drivers)('HTTP through the mesh, driver %s', { timeout: 60_000 }, (driver) => {
  let gateway: Gateway
  const get = (path: string, ...args: string[]): Promise<CurlResponse> =>
    curl(`${gateway.url}${path}`, args)

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      driver,
      listener: 'max = { body_size = 20_000_000 }',
      files: { 'page.html': '<!doctype html><title>A page</title>' },
    })
    await startNode({ addrs: [gateway.mesh], services: SERVICES })
  }, 60_000)

  test('answers, and HEAD as GET without the body', async () => {
    expect(await get('/hello')).toMatchObject({ exit: 0, status: 200, body: 'Hello world!' })
    expect(await get('/hello', '-I')).toMatchObject({ exit: 0, status: 200, body: '' })
  })

  test.each([200, 201, 202, 301, 404, 409, 418, 422, 500, 503, 599])('status %i', async (code) => {
    const reply = await get(`/answer?code=${code}`)
    expect(reply).toMatchObject({ exit: 0, status: code, body: 'as asked' })
  })

  test.each([204, 304])('status %i has no body', async (code) => {
    expect(await get(`/answer?code=${code}&empty=1`)).toMatchObject({ status: code, body: '' })
  })

  test('all values of a header come through, in both directions', async () => {
    const reply = await get('/answer')
    expect(valuesOf(reply, 'x-first')).toEqual(['1'])
    expect(valuesOf(reply, 'set-cookie')).toEqual(['a=1; Path=/', 'b=2'])

    const shown = JSON.parse(
      (await get('/show', '-H', 'x-many: one', '-H', 'x-many: two')).body,
    ) as Shown
    const pairs = shown.raw.flatMap((name, i) => (name === 'x-many' ? [shown.raw[i + 1]] : []))
    expect(pairs.join(', ')).toBe('one, two')
  })

  test('values that are not ASCII survive, in both directions', async () => {
    expect(valuesOf(await get('/answer'), 'x-name')).toEqual(['Grüße, 世界'])
    // uWebSockets.js drops what is not ASCII at the very end of a request's header.
    const sent = driver === 'uws' ? 'Grüße, 世界!' : 'Grüße, 世界'
    const shown = JSON.parse((await get('/show', '-H', `x-name: ${sent}`)).body) as Shown
    expect(shown.headers['x-name']).toBe(sent)
  })

  test('path and query parameters', async () => {
    const reply = await get('/show/a%20b/c/d%C3%A9?x=1&x=2&empty=&q=%F0%9F%98%80+1&__proto__=p')
    const shown = JSON.parse(reply.body) as Shown
    expect(shown.params).toEqual({ first: 'a b', rest: expect.stringMatching(/^\/?c\/dé$/) })
    expect(shown.query).toMatchObject({ x: '2', empty: '', q: '😀 1' })
    expect(Object.entries(shown.query)).toContainEqual(['__proto__', 'p'])
  })

  test('a client cannot forge parameters or protocol fields', async () => {
    const forged = ['params.first: evil', 'query.x: evil', 'params.other: evil', ':path: /evil']
    const args = forged.flatMap((header) => ['-H', header])
    const shown = JSON.parse((await get('/show/real/z?x=1', ...args)).body) as Shown
    expect(shown.params).toMatchObject({ first: 'real' })
    expect(shown.query).toEqual({ x: '1' })
    expect(JSON.stringify(shown)).not.toContain('evil')
  })

  test('services named like members of every object', async () => {
    expect(await get('/constructor')).toMatchObject({ status: 200, body: 'I am constructor' })
    expect(await get('/proto')).toMatchObject({ status: 200, body: 'I am __proto__' })
    expect(await get('/string')).toMatchObject({ status: 200, body: 'I am toString' })
    expect(await get('/value')).toMatchObject({ status: 503 })
  })

  test('a body is echoed, and collected whole', async () => {
    const echoed = await get('/pipe', '-d', 'some text')
    expect(echoed).toMatchObject({ status: 200, body: 'some text' })
    const size = 1_500_000
    const body = Buffer.alloc(size, 'x')
    const reply = await curl(`${gateway.url}/collect`, ['--data-binary', '@-'], body)
    expect(JSON.parse(reply.body)).toMatchObject({ bytes: size })
    for (const way of ['iterate', 'read']) {
      const again = await curl(`${gateway.url}/${way}`, ['--data-binary', '@-'], body)
      expect(again.status).toBe(200)
      expect(JSON.parse(again.body)).toMatchObject({ bytes: size })
    }
  })

  test('an empty body is a body', async () => {
    expect(await get('/pipe', '-d', '')).toMatchObject({ exit: 0, status: 200, body: '' })
    expect(JSON.parse((await get('/collect', '-d', '')).body)).toMatchObject({ bytes: 0 })
  })

  test('the first service that anybody offers answers', async () => {
    expect(await get('/second')).toMatchObject({ status: 200, body: 'Hello world!' })
  })

  test('what fails has its true status and is problem+json', async () => {
    const expected: readonly (readonly [status: number, path: string, ...args: string[]])[] = [
      [404, '/none'],
      [405, '/hello', '-X', 'DELETE'],
      [503, '/nobody'],
      [500, '/fail'],
    ]
    for (const [status, path, ...args] of expected) {
      const reply = await get(path, ...args)
      expect(reply).toMatchObject({ exit: 0, status })
      expect(valuesOf(reply, 'content-type').join()).toMatch(/^application\/problem\+json/)
      expect(JSON.parse(reply.body)).toMatchObject({ status, title: expect.any(String) })
    }
    const refused = await get('/hello', '-X', 'DELETE')
    expect(valuesOf(refused, 'allow').join()).toMatch(/GET/)
  })

  test("a handler's message is told only where it was meant for callers", async () => {
    const hidden = await get('/fail')
    expect(hidden.body).not.toContain('secret')
    const told = await get('/answer?code=422&expose=1&message=name%20is%20missing')
    expect(told).toMatchObject({ status: 422, body: expect.stringContaining('name is missing') })
  })

  test('a body over the limit is refused', async () => {
    const body = Buffer.alloc(20_100_000)
    const reply = await curl(`${gateway.url}/collect`, ['--data-binary', '@-'], body)
    expect(reply.status).toBe(413)
    expect(await get('/hello')).toMatchObject({ status: 200 })
  })

  test('static files, with and without caching', async () => {
    const page = await get('/page')
    expect(page).toMatchObject({ status: 200, body: '<!doctype html><title>A page</title>' })
    expect(valuesOf(page, 'content-type').join()).toMatch(/^text\/html/)
    const [etag = ''] = valuesOf(page, 'etag')
    expect(await get('/page', '-H', `If-None-Match: ${etag}`)).toMatchObject({ status: 304 })
    expect(await get('/page', '-r', '0-8')).toMatchObject({ status: 206, body: '<!doctype' })
    const fresh = await get('/fresh')
    expect(fresh.status).toBe(200)
    expect(valuesOf(fresh, 'cache-control').join()).toMatch(/no-cache|no-store/)
  })

  test('says which driver serves', () => {
    expect(gateway.process.lines.join('\n')).toMatch(driver === 'uws' ? /uws/i : /node/i)
  })
})
