import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import { checkConfig } from '../src/config-check.ts'
import { openApi } from '../src/openapi.ts'
import { isTraceparent } from '../src/transfer/trace-context.ts'
import { start } from './support/harness.ts'

const read = (text: string) => parseConfig(text).admin

const files = {
  open: (path: string) => Promise.reject(new Error(`no ${path}`)),
  readText: (path: string) => Promise.reject(new Error(`no ${path}`)),
}

describe('a check', () => {
  it('finds what is wrong in the text and in the files at once, in order', async () => {
    const text = `secret_key_file = "k"
bootstrapp = []
[[http]]
https = true
tls = { certificate = "c", key = "d" }
[[http.routes]]
path = "GET /a"
static = "nowhere"
[[http.routes]]
path = "GET /b"
servise = "x"
`
    const { config, problems } = await checkConfig(text, { files, file: 'g.toml' })
    expect(config).toBeUndefined()
    expect(problems.map(({ line, key, suggestion }) => [line, key, suggestion])).toEqual([
      [1, 'secret_key_file', undefined],
      [2, 'bootstrapp', 'bootstrap'],
      [5, 'http[0].tls.certificate', undefined],
      [5, 'http[0].tls.key', undefined],
      [8, 'http[0].routes[0].static', undefined],
      [9, 'http[0].routes[1].service', undefined],
      [11, 'http[0].routes[1].servise', 'service'],
    ])
  })

  it('gives the configuration where nothing is wrong', async () => {
    const { config, problems } = await checkConfig('[[http]]\naddr = ":1"', { files })
    expect(problems).toEqual([])
    expect(config?.listeners[0]?.addresses).toMatchObject([{ host: '', port: 1 }])
  })
})

describe('the admin listener', () => {
  it('is on this machine unless that is said plainly', () => {
    expect(read('')).toBeUndefined()
    expect(read('admin = ":9100"')).toMatchObject({ address: { host: '127.0.0.1', port: 9_100 } })
    expect(read('admin = "[::1]:9100"')?.address.host).toBe('::1')
    expect(read('admin = "0.0.0.0:9100"\nadmin_open = true')).toMatchObject({ open: true })
    for (const address of ['0.0.0.0:9100', '10.0.0.1:1', '[::]:1', '127.evil.example:1']) {
      expect(() => read(`admin = "${address}"`)).toThrow(ConfigError)
    }
  })
})

describe('the trace of a request', () => {
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const route = '[[http.routes]]\npath = "GET /"\nservice = "s"\n'

  it('is passed on as it came', async () => {
    const { send, caller } = await start(route)
    send({ headers: ['traceparent', given, 'tracestate', 'a=1', 'tracestate', 'b=2'] })
    expect(caller.last.fields('traceparent')).toEqual([given])
    expect(caller.last.fields('tracestate')).toEqual(['a=1', 'b=2'])
  })

  it.each([
    [[]],
    [['traceparent', 'nonsense', 'tracestate', 'a=1']],
    [['traceparent', given, 'traceparent', given]],
    [['traceparent', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`]],
    [['traceparent', `${given}-extra`]],
    [['traceparent', `ff${given.slice(2)}`]],
  ])('is begun where the client names none that is valid: %j', async (headers) => {
    const { send, caller } = await start(route)
    send({ headers })
    const [begun = '', ...others] = caller.last.fields('traceparent')
    expect(isTraceparent(begun)).toBe(true)
    expect(begun).not.toBe(given)
    expect(others).toEqual([])
    expect(caller.last.fields('tracestate')).toEqual([])
  })

  it('of a later version is passed on too', () => {
    expect(isTraceparent(`01${given.slice(2)}-more`)).toBe(true)
    expect(isTraceparent(`01${given.slice(2)}more`)).toBe(false)
  })
})

describe('who answered, and how long it took', () => {
  it('is in the access log', async () => {
    const { send, caller, events } = await start('[[http.routes]]\npath = "GET /"\nservice = "s"\n')
    send()
    caller.last.sink.response(200, [])
    caller.last.sink.end()
    expect(events[0]?.queueMs).toBeGreaterThan(0)
    expect(events[0]?.providerMs).toBeGreaterThan(0)
    expect(events[0]?.durationMs).toBeGreaterThanOrEqual(
      (events[0]?.queueMs ?? 0) + (events[0]?.providerMs ?? 0),
    )
  })
})

describe('the routes as OpenAPI', () => {
  it('have their parameters and servers', () => {
    const document = openApi(
      parseConfig(
        `[[http]]
addrs = [":80", "[::1]:3000"]
[[http.routes]]
path = "GET /users/:id/*file"
services = ["users", "old"]
[[http.routes]]
path = "POST /users/:id/*rest"
service = "users"
[[http.routes]]
path = "GET /"
static = "x"
`,
      ),
      { version: '1.2.3' },
    )
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'flatend gateway', version: '1.2.3' },
      servers: [{ url: 'http://localhost' }, { url: 'http://[::1]:3000' }],
      paths: {
        '/users/{id}/{file}': {
          get: {
            parameters: [
              { name: 'id', in: 'path', required: true },
              { name: 'file', in: 'path', required: true },
            ],
            'x-flatend-services': ['users', 'old'],
          },
        },
        '/users/{id}/{rest}': { post: { tags: ['users'] } },
        '/': { get: { summary: 'Static files' } },
      },
    })
  })
})
