import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRoutePath, type RoutePath } from '../src/config/route-path.ts'
import { Router, type RouterOptions } from '../src/routing/router.ts'

function routerOf(paths: readonly string[], options: Partial<RouterOptions<string>> = {}) {
  const routes = paths.map((path) => ({ ...(parseRoutePath(path) as RoutePath), target: path }))
  const defaults = { redirectTrailingSlash: true, redirectFixedPath: true }
  return new Router<string>({ ...defaults, ...options, routes })
}

const routes = [
  'GET /hello',
  'GET /u/:user-id',
  'GET /u/new',
  'POST /u/:id',
  'GET /u/:name/posts',
  'GET /src/*file',
  'GET /Shop/:Item.id/',
  'GET /v_:version/x',
  'OPTIONS /own',
  'PUT /a+b/é',
]
const router = routerOf(routes)

describe('a match', () => {
  it.for<[string, string, string, string[]]>([
    ['GET', '/hello', 'GET /hello', []],
    ['HEAD', '/hello', 'GET /hello', []],
    ['GET', '/u/new', 'GET /u/new', []],
    ['GET', '/u/7', 'GET /u/:user-id', ['user-id', '7']],
    ['GET', '/u/a.b-c', 'GET /u/:user-id', ['user-id', 'a.b-c']],
    ['POST', '/u/7', 'POST /u/:id', ['id', '7']],
    ['GET', '/u/7/posts', 'GET /u/:name/posts', ['name', '7']],
    ['GET', '/src/', 'GET /src/*file', ['file', '/']],
    ['GET', '/src/a/b.js', 'GET /src/*file', ['file', '/a/b.js']],
    ['GET', '/Shop/1/', 'GET /Shop/:Item.id/', ['item.id', '1']],
    ['GET', '/v_2.0/x', 'GET /v_:version/x', ['version', '2.0']],
    ['OPTIONS', '/own', 'OPTIONS /own', []],
    ['PUT', '/a+b/%C3%A9', 'PUT /a+b/é', []],
    ['GET', '/h%65llo', 'GET /hello', []],
  ])('%s %s', ([method, path, target, params]) => {
    expect(router.find(method, path)).toEqual({ kind: 'match', target, params })
  })

  it.each([
    ['/u/a%2Fb', 'a/b'],
    ['/u/%25', '%'],
    ['/u/%252F', '%2F'],
    ['/u/%2541', '%41'],
    ['/u/%E2%82%AC', '€'],
    ['/u/a+b', 'a+b'],
    ['/u/%0A', '\n'],
  ])('decodes %s once', (path, value) => {
    expect(router.find('GET', path)).toMatchObject({ params: ['user-id', value] })
  })

  it('takes any value a client can encode', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        fc.pre(!/^\.\.?$|\0/.test(value) && value !== 'new')
        const found = router.find('GET', `/u/${encodeURIComponent(value)}`)
        expect(found).toMatchObject({ kind: 'match', params: ['user-id', value] })
      }),
    )
  })

  it('needs something for a parameter', () => {
    expect(router.find('GET', '/u/')).toEqual({ kind: 'none' })
    const both = routerOf(['GET /u/:id', 'GET /u/*rest'])
    expect(both.find('GET', '/u/')).toMatchObject({ target: 'GET /u/*rest' })
  })
})

describe('no match', () => {
  it.for<[string, string, number, string]>([
    ['GET', '/hello/', 301, '/hello'],
    ['HEAD', '/hello/', 308, '/hello'],
    ['POST', '/u/7/', 308, '/u/7'],
    ['GET', '/Shop/1', 301, '/Shop/1/'],
    ['GET', '/src', 301, '/src/'],
    ['GET', '/HELLO', 301, '/hello'],
    ['GET', '/shop/ABC', 301, '/Shop/ABC/'],
    ['GET', '//hello', 301, '/hello'],
    ['GET', '/x/../hello', 301, '/hello'],
    ['GET', '/./hello', 301, '/hello'],
    ['GET', '/x/%2e%2E/hello', 301, '/hello'],
    ['GET', '/U/%5Cevil.com/', 301, '/u/%5Cevil.com'],
    ['GET', '/U/\\evil.com', 301, '/u/%5Cevil.com'],
  ])('redirects %s %s with %i to %s', ([method, from, status, path]) => {
    expect(router.find(method, from)).toEqual({ kind: 'redirect', status, path })
  })

  it('redirects only where that is wanted', () => {
    const strict = routerOf(routes, { redirectTrailingSlash: false, redirectFixedPath: false })
    for (const path of ['/hello/', '/HELLO', '//hello']) {
      expect(strict.find('GET', path)).toEqual({ kind: 'none' })
    }
    expect(strict.find('GET', '/x/../hello').kind).toBe('malformed')
  })

  it.for<[string, string, string, string]>([
    ['POST', '/hello', 'wrong-method', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/u/7', 'wrong-method', 'GET, HEAD, OPTIONS, POST'],
    ['__proto__', '/u/7', 'wrong-method', 'GET, HEAD, OPTIONS, POST'],
    ['GET', '/own', 'wrong-method', 'OPTIONS'],
    ['OPTIONS', '/u/7', 'options', 'GET, HEAD, OPTIONS, POST'],
    ['OPTIONS', '*', 'options', 'GET, HEAD, OPTIONS, POST, PUT'],
  ])('%s %s', ([method, path, kind, allow]) => {
    expect(router.find(method, path)).toEqual({ kind, allow })
  })

  it.each(['/constructor', '/nope', '/src2'])('%s', (path) => {
    expect(router.find('GET', path)).toEqual({ kind: 'none' })
    expect(router.find('OPTIONS', path)).toEqual({ kind: 'none' })
  })

  it.each(['/%zz', '/%', '/u/%E9', '/u/%00', '/a b', '/é', '/a#b', 'hello', '*', '', '/../hello'])(
    '%j is malformed',
    (path) => expect(router.find('GET', path).kind).toBe('malformed'),
  )

  it('redirects to no path that would be redirected again', () => {
    for (const path of ['/SRC/%2F%2e', '/SRC/%2F..%2Fa']) {
      const found = router.find('GET', path)
      const next = found.kind === 'redirect' ? router.find('GET', found.path).kind : 'match'
      expect([path, next]).toEqual([path, 'match'])
    }
  })

  it('never throws, and never redirects away or in circles', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5c',
      '\\',
      'u',
      'U',
      'SRC',
      'hello',
    )
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom('GET', 'HEAD', 'POST'), (pieces, method) => {
        const path = `/${pieces.join('')}`
        const found = router.find(method, path)
        if (found.kind !== 'redirect') return
        expect(found.path).toMatch(/^\/(?![/\\])/)
        expect(router.find(method, found.path).kind).toBe('match')
      }),
    )
  })
})

describe('the folder behind GET /', () => {
  const withFolder = routerOf(routes, { fallback: 'folder' })
  it('answers what nothing else does', () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['HEAD', '/a%20b'],
    ] as const) {
      const params = ['filepath', decodeURIComponent(path)]
      expect(withFolder.find(method, path)).toEqual({ kind: 'match', target: 'folder', params })
    }
    expect(withFolder.find('GET', '/hello')).toMatchObject({ target: 'GET /hello' })
    expect(withFolder.find('GET', '/a/../b').kind).toBe('malformed')
    expect(withFolder.find('POST', '/x')).toEqual({
      kind: 'wrong-method',
      allow: 'GET, HEAD, OPTIONS',
    })
  })
})

it('tells of routes it cannot tell apart', () => {
  expect(routerOf(['GET /:a', 'GET /:b']).duplicates).toMatchObject([{ target: 'GET /:b' }])
  expect(routerOf(['GET /a', 'GET /A']).duplicates).toEqual([])
})
