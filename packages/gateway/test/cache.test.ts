import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import type { ConfigProblem } from '../src/config/types.ts'
import { createFiles } from '../src/files/index.ts'
import { failure, start } from './support/harness.ts'

const route = (lines: string): string => `[[http]]\n[[http.routes]]\npath = "GET /a"\n${lines}\n`

function problemsOf(lines: string): readonly ConfigProblem[] {
  try {
    parseConfig(route(lines))
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const cacheOf = (value: string): string | undefined =>
  parseConfig(route(`service = "a"\ncache = ${value}`)).listeners[0]?.routes[0]?.cache

describe('cache in a configuration', () => {
  test.each([
    ['"public, max-age=60"', 'public, max-age=60'],
    ['" no-store "', 'no-store'],
    [
      '"Private=\\"set-cookie, x-a\\" ,max-age=0,must-revalidate"',
      'Private="set-cookie, x-a", max-age=0, must-revalidate',
    ],
    ['"s-maxage=1, stale-while-revalidate=2, stale-if-error=3, immutable"', undefined],
  ])('%s is right', (text, value) => {
    expect(cacheOf(text)).toBe(value ?? JSON.parse(text))
  })

  test.each([
    ['""', 'is empty'],
    ['"max_age=60"', '"max_age=60" is not a directive of answers'],
    ['"max-age"', '"max-age" is not a directive of answers'],
    ['"max-age=-1"', '"max-age=-1" is not a directive of answers'],
    ['"max-age=60s"', '"max-age=60s" is not a directive of answers'],
    ['"public=1"', '"public=1" is not a directive of answers'],
    ['"only-if-cached"', '"only-if-cached" is not a directive of answers'],
    ['"constructor"', '"constructor" is not a directive of answers'],
    ['"public,,max-age=1"', 'is not a list of directives'],
    ['"public,"', 'is not a list of directives'],
    ['"private=\\"a"', 'is not a list of directives'],
    ['"public\\r\\nx: y"', '"public\r\nx: y" is not a directive of answers'],
    ['"public, private"', 'is public and private'],
    ['60', '60 is not right'],
  ])('%s is refused', (text, message) => {
    expect(problemsOf(`service = "a"\ncache = ${text}`)).toMatchObject([
      { key: 'http[0].routes[0].cache', line: 5, message },
    ])
  })

  test('says what was meant', () => {
    expect(problemsOf('service = "a"\ncache = "max_age=60"')).toMatchObject([
      { suggestion: 'max-age', allowed: 'a value of Cache-Control, such as "public, max-age=60"' },
    ])
  })

  test('stands neither beside nocache nor on a redirect', () => {
    expect(problemsOf('service = "a"\nnocache = true\ncache = "public"')).toMatchObject([
      { message: 'stands beside nocache = true' },
    ])
    expect(problemsOf('redirect = "/b"\ncache = "public"')).toMatchObject([
      { message: 'has no effect on a redirect' },
    ])
    expect(problemsOf('service = "a"\nnocache = false\ncache = "public"')).toEqual([])
  })
})

const SET = 'public, max-age=60'
const ROUTE = `[[http.routes]]\npath = "GET /a"\nservice = "a"\ncache = "${SET}"\n`

async function answered(
  status: number,
  headers: readonly string[] = [],
  more = '',
): Promise<string | undefined> {
  const { send, caller, tick } = await start(ROUTE + more)
  caller.answer = (sink) => {
    sink.response(status, headers)
    sink.end()
  }
  const exchange = send({ path: '/a' })
  tick()
  expect(exchange.status).toBe(status)
  return exchange.header('cache-control')
}

const edits = (line: string): string => `[http.routes.headers]\n${line}\n`

describe('cache on answers of a service', () => {
  test.each([200, 201, 204, 206, 304])('with status %i', async (status) => {
    expect(await answered(status)).toBe(SET)
  })

  test.each([301, 400, 404, 500])('not with status %i', async (status) => {
    expect(await answered(status)).toBeUndefined()
  })

  test('not where the service, or the configuration, says otherwise', async () => {
    expect(await answered(200, ['cache-control', 'no-store'])).toBe('no-store')
    expect(await answered(200, [], edits('set = ["cache-control: private"]'))).toBe('private')
    const remove = edits('remove = ["cache-control"]')
    expect(await answered(200, ['cache-control', 'no-store'], remove)).toBe(SET)
  })

  test('not on problems: the gateway says that those are not kept', async () => {
    const { send, caller } = await start(ROUTE)
    caller.answer = (sink) => sink.fail(failure('no-provider'))
    const exchange = send({ path: '/a' })
    expect([exchange.status, exchange.header('cache-control')]).toEqual([503, 'no-store'])
  })
})

test('cache on static files, and on what they did not change since', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flatend-cache-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a.txt'), 'a')
  const http = `[[http.routes]]\npath = "GET /"\nstatic = "."\ncache = "${SET}"\n`
  const harness = await start(http, { files: createFiles({ base: folder }) })
  const get = async (path: string, headers: readonly string[] = []) => {
    const exchange = harness.send({ path, headers })
    while (harness.gateway.inFlight > 0) await new Promise((resolve) => setImmediate(resolve))
    return exchange
  }
  const first = await get('/a.txt')
  expect([first.status, first.header('cache-control')]).toEqual([200, SET])
  const again = await get('/a.txt', ['if-none-match', first.header('etag') ?? ''])
  expect([again.status, again.header('cache-control')]).toEqual([304, SET])
  const none = await get('/b.txt')
  expect([none.status, none.header('cache-control')]).toEqual([404, 'no-store'])
})
