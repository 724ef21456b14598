import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import type { ConfigProblem } from '../src/config/types.ts'

function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    parseConfig(text, { file: 'g.toml' })
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const route = (path: string): string => `[[http.routes]]\npath = "${path}"\nservice = "x"\n`

/** Every key the 2020 gateway documents, in its own order and with its own values. */
const everyKey = `
addr = "127.0.0.1:9000"

[[http]]
https = false
domain = "lithdew.net"
domains = ["a.lithdew.net", "b.lithdew.net"]
addr = ":3000"
addrs = [":3000", ":4000", "127.0.0.1:9000"]
redirect_trailing_slash = true
redirect_fixed_path = true

[http.timeout]
read = "10s"
read_header = "10s"
idle = "10s"
write = "10s"
shutdown = "10s"

[http.min]
body_size = 1048576

[http.max]
header_size = 1048576
body_size = 1048576

[[http.routes]]
path = "GET /"
static = "config.toml"
nocache = true

[[http.routes]]
path = "POST /:id"
services = ["a", "b", "c"]
`

describe('a configuration of 2020', () => {
  it('keeps the meaning of every documented key', () => {
    const config = parseConfig(everyKey)
    expect(config.addr).toBe('127.0.0.1:9000')
    const [listener] = config.listeners
    expect(listener).toMatchObject({
      https: false,
      domains: ['lithdew.net', 'a.lithdew.net', 'b.lithdew.net'],
      driver: 'auto',
      redirectTrailingSlash: true,
      redirectFixedPath: true,
      maxHeaderSize: 1_048_576,
      maxBodySize: 1_048_576,
    })
    expect(listener?.addresses.map(({ host, port }) => `${host}:${port}`)).toEqual([
      ':3000',
      ':4000',
      '127.0.0.1:9000',
    ])
    expect(new Set(Object.values(listener!.timeouts))).toEqual(new Set([10_000]))
    expect(listener?.routes).toMatchObject([
      { method: 'GET', path: '/', target: { kind: 'static', path: 'config.toml' }, noCache: true },
      { method: 'POST', path: '/:id', target: { kind: 'service', services: ['a', 'b', 'c'] } },
    ])
    expect(config.warnings).toMatchObject([{ key: 'http[0].min.body_size', line: 21 }])
  })

  it.each([
    ['hello', 'path = "GET /hello"\nservice = "hello_world"'],
    ['counter', 'path = "GET /"\nservice = "count"'],
    ['file', 'path = "GET /"\nservice = "file"'],
    ['pipe', 'path = "POST /pipe"\nservice = "pipe"'],
    [
      'todo',
      `path = "GET /"\nstatic = "./public"
[[http.routes]]\npath = "GET /todos"\nservice = "all_todos"
[[http.routes]]\npath = "GET /todos/add/:content"\nservice = "add_todo"
[[http.routes]]\npath = "GET /todos/remove/:id"\nservice = "remove_todo"
[[http.routes]]\npath = "GET /todos/done/:id"\nservice = "done_todo"`,
    ],
  ])('takes the example %s', (_, routes) => {
    const text = `addr = "127.0.0.1:9000"\n\n[[http]]\naddr = ":3000"\n\n[[http.routes]]\n${routes}`
    const config = parseConfig(text)
    expect(config.listeners[0]?.addresses).toMatchObject([{ host: '', port: 3000 }])
    expect(config.warnings).toEqual([])
  })

  it('has the documented defaults', () => {
    const config = parseConfig(
      '[[http]]\n[[http]]\nhttps = true\ntls = { certificate="c", key="k" }',
    )
    expect(config).toMatchObject({
      addr: undefined,
      bootstrap: [],
      peerCache: undefined,
      lan: undefined,
      legacy: false,
      network: undefined,
    })
    expect(config.listeners).toMatchObject([
      { addresses: [{ host: '', port: 80 }], maxBodySize: undefined, maxHeaderSize: 1_048_576 },
      {
        addresses: [{ host: '', port: 443 }],
        tls: [{ certificate: 'c', key: 'k' }],
        acme: undefined,
      },
    ])
    expect(config.listeners[0]?.timeouts).toEqual({
      readMs: 10_000,
      readHeaderMs: 10_000,
      idleMs: 10_000,
      writeMs: 10_000,
      shutdownMs: 10_000,
    })
  })
})

describe('new keys', () => {
  it('reads them', () => {
    const config = parseConfig(`
secret_key_file = "key"
bootstrap = ["seed.example:9000", "[::1]:9001", "${'0a'.repeat(32)}@seed.example:9002"]
peer_cache = "peers.json"
lan = true
lan_interface = "192.168.1.5"
network = "blue"
legacy = true
[[http]]
driver = "node"
[[http.routes]]
path = "get /x"
service = "x"
timeout = "1h2m0.5s"
body_size = 10
`)
    expect(config).toMatchObject({
      secretKeyFile: 'key',
      bootstrap: ['seed.example:9000', '[::1]:9001', `${'0a'.repeat(32)}@seed.example:9002`],
      peerCache: 'peers.json',
      lan: { interface: '192.168.1.5' },
      network: 'blue',
      legacy: true,
    })
    const [listener] = config.listeners
    expect(listener?.driver).toBe('node')
    expect(listener?.routes[0]).toMatchObject({
      method: 'GET',
      timeoutMs: 3_720_500,
      maxBodySize: 10,
    })
  })

  it('cannot be changed afterwards', () => {
    const config = parseConfig('[[http]]\n[[http.routes]]\npath="GET /"\nservice="x"')
    expect(Object.isFrozen(config.listeners[0]?.routes[0]?.segments)).toBe(true)
  })
})

describe('mistakes', () => {
  it('are reported all at once, each at its place', () => {
    const text = `adr = ":9000"
legacy = "yes"
bootstrap = ["seed"]
[[http]]
addr = "3000"
driver = "nod"
[http.timeout]
read = "10"
wite = "1s"
[http.max]
body_size = -1
[[http.routes]]
path = "GET hello"
servce = "x"
[[http.routes]]
path = "GET /a"
service = "x"
static = "y"
[[http.routes]]
path = "POST /files"
static = "y"
[[http.routes]]
path = "FETCH /a"
service = "x"
timeout = "0s"
`
    const problems = problemsOf(text)
    expect(problems.map(({ line, column, key }) => `${line}:${column} ${key}`)).toEqual([
      '1:1 adr',
      '2:10 legacy',
      '3:14 bootstrap',
      '5:8 http[0].addr',
      '6:10 http[0].driver',
      '8:8 http[0].timeout.read',
      '9:1 http[0].timeout.wite',
      '11:13 http[0].max.body_size',
      '12:3 http[0].routes[0].service',
      '13:8 http[0].routes[0].path',
      '14:1 http[0].routes[0].servce',
      '18:1 http[0].routes[1].static',
      '21:1 http[0].routes[2].static',
      '23:8 http[0].routes[3].path',
      '25:1 http[0].routes[3].timeout',
    ])
    const suggestions = problems.map(({ suggestion }) => suggestion).filter(Boolean)
    expect(suggestions).toEqual(['addr', ':3000', 'node', 'write', 'service'])
    for (const problem of problems) expect(problem.file).toBe('g.toml')
  })

  it('read well', () => {
    let text = ''
    try {
      parseConfig('[[http]]\n[[http.routes]]\npath = "GET /"\nservise = "x"', { file: 'g.toml' })
    } catch (error) {
      text = (error as ConfigError).format()
    }
    expect(text.split('\n')).toEqual([
      'g.toml:2:3: http[0].routes[0].service: the route has no target; allowed: exactly one of service, services, static, redirect',
      expect.stringMatching(
        /^g\.toml:4:1: http\[0\]\.routes\[0\]\.servise: is not a key of this table \(did you mean "service"\?\); allowed: path, service, /,
      ) as string,
    ])
  })

  it.each([
    ['a = ', '1:5'],
    ['a = 1\na = 2', '2:1'],
    ['[[http]\n', '2:1'],
    ['a = "x\n', '1:7'],
  ])('in TOML itself have a place too: %j', (text, place) => {
    const [problem] = problemsOf(text)
    expect(`${problem?.line}:${problem?.column}`).toBe(place)
    expect(problem?.message).toMatch(/^not TOML: /)
  })

  it.each([
    ['GET', 'a method and a path'],
    ['GET /a /b', 'a method and a path'],
    ['GET a', 'begin with /'],
    ['GET /a?b', 'without'],
    ['GET /a%20b', 'decoded path'],
    ['GET /a//b', 'empty piece'],
    ['GET /a/../b', 'never be asked'],
    ['GET /:', 'no name'],
    ['GET /:a:b', 'more than one'],
    ['GET /:a/:A', 'twice'],
    ['GET /a*b', 'right after a slash'],
    ['GET /*a/b', 'last piece'],
    [`GET /:${'a'.repeat(100)}`, 'too long'],
  ])('in the path %j', (path, message) => {
    const text = `[[http]]\n[[http.routes]]\nservice = "x"\npath = "${path}"`
    expect(problemsOf(text)).toMatchObject([
      { line: 4, column: 8, message: expect.stringContaining(message) as string },
    ])
  })

  it('finds routes that match the same requests, and addresses taken twice', () => {
    const text = `[[http]]\naddr=":1"\n${route('GET /:a/x')}${route('POST /:a/x')}${route('GET /:b/x')}[[http]]\naddr=":1"`
    expect(problemsOf(text)).toMatchObject([
      { line: 10, message: expect.stringContaining('GET /:a/x in line 4') as string },
      { line: 13, message: expect.stringContaining('taken by line 2') as string },
    ])
  })

  it('does not take names of Object.prototype for keys', () => {
    expect(problemsOf('constructor = 1\n__proto__ = 2')).toMatchObject([{ line: 1 }, { line: 2 }])
  })

  it.each([
    'http = 1',
    '[http]\naddr = ":1"',
    '[[http]]\nroutes = [1]',
    '[[http]]\ntimeout = "1s"',
    '[[http]]\naddrs = ":1"',
    '[[http]]\naddrs = [1]',
    '[[http]]\nhttps = 1979-05-27',
    '[[http]]\naddr = ""',
    '[[http]]\n[[http.routes]]\npath="GET /"\nservices=[]',
    '[[http]]\n[[http.routes]]\npath="GET /"\nservices=["a",""]',
    '[[http]]\n[[http.routes]]\npath="GET /"\nservice="a"\nservices=["b"]',
    '[[http]]\ntls = { certificate = "c", key = "k" }',
    '[[http]]\nhttps = true\ntls = { certificate = "c" }',
    'secret_key = "a"\nsecret_key_file = "b"',
    'network_key = "0a"',
    `network_key = "${'0a'.repeat(32)}"\nnetwork_key_file = "f"`,
    '[puzzles]\nstatic = 25',
    '[puzzles]\ndynamic = "8"',
    '[puzzles]\nstatics = 8',
    'addr = "host"',
    'addr = "host:99999"',
    'addr = "::1:80"',
  ])('%j is exactly one', (text) => {
    expect(problemsOf(text)).toHaveLength(1)
  })
})
