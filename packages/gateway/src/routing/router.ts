import { cleanPath, hasDotSegments, pathProblem, toggleSlash } from './path.ts'
import { type Match, pathOf, type Route, RouteTree } from './route-tree.ts'

export type { Route } from './route-tree.ts'

/** What is to be done with a request. */
export type Routing<T> =
  | { readonly kind: 'match'; readonly target: T; readonly params: readonly string[] }
  | { readonly kind: 'redirect'; readonly status: 301 | 308; readonly path: string }
  /** OPTIONS, answered by the gateway. */
  | { readonly kind: 'options'; readonly allow: string }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly detail: string }

export interface RouterOptions<T> {
  readonly routes: readonly Route<T>[]
  /** Answers GET of what no route matches: the folder behind `GET /`, as in 2020. */
  readonly fallback?: T | undefined
  readonly redirectTrailingSlash: boolean
  readonly redirectFixedPath: boolean
}

const NONE: Routing<never> = { kind: 'none' }
const DOTS = 'The path has dot segments that lead to no route.'

/**
 * The routes of one listener, with the order of 2020 (httprouter): a match, then redirects within
 * the method, then OPTIONS and 405, then the folder behind `GET /`. Fixed pieces win over
 * parameters, parameters over `*rest`. HEAD is answered like GET where it has no route of its own.
 */
export class Router<T> {
  readonly #options: RouterOptions<T>
  readonly #exact = new RouteTree<T>(true)
  readonly #loose = new RouteTree<T>(false)
  readonly #methods: readonly string[]
  /** Routes that match the same requests as one before them. */
  readonly duplicates: readonly Route<T>[]

  constructor(options: RouterOptions<T>) {
    this.#options = options
    this.duplicates = options.routes.filter((route) => !this.#exact.add(route))
    for (const route of options.routes) this.#loose.add(route)
    this.#methods = [...new Set(options.routes.map(({ method }) => method))]
  }

  /** @param rawPath - as sent: percent-encoded, without query. */
  find(method: string, rawPath: string): Routing<T> {
    if (method === 'OPTIONS' && rawPath === '*') return { kind: 'options', allow: this.#allowAll() }
    const detail = pathProblem(rawPath)
    if (detail !== undefined) return { kind: 'malformed', detail }
    if (hasDotSegments(rawPath)) {
      return this.#fixed(method, rawPath) ?? { kind: 'malformed', detail: DOTS }
    }
    const match = this.#match(this.#exact, method, rawPath)
    if (match) return { kind: 'match', target: match.route.target, params: match.params }
    return (
      this.#slash(method, rawPath) ?? this.#fixed(method, rawPath) ?? this.#rest(method, rawPath)
    )
  }

  #match(tree: RouteTree<T>, method: string, rawPath: string): Match<T> | undefined {
    const match = tree.find(method, rawPath)
    return match === undefined && method === 'HEAD' ? tree.find('GET', rawPath) : match
  }

  #slash(method: string, rawPath: string): Routing<T> | undefined {
    if (!this.#options.redirectTrailingSlash || rawPath === '/') return undefined
    return this.#redirect(method, this.#match(this.#exact, method, toggleSlash(rawPath)))
  }

  #fixed(method: string, rawPath: string): Routing<T> | undefined {
    if (!this.#options.redirectFixedPath) return undefined
    const clean = cleanPath(rawPath)
    if (clean === undefined) return undefined
    let match = this.#match(this.#loose, method, clean)
    if (!match && this.#options.redirectTrailingSlash && clean !== '/') {
      match = this.#match(this.#loose, method, toggleSlash(clean))
    }
    return this.#redirect(method, match)
  }

  /** Only to what matches there: an encoded slash may become one that separates dots. */
  #redirect(method: string, match: Match<T> | undefined): Routing<T> | undefined {
    if (!match) return undefined
    const path = pathOf(match)
    if (hasDotSegments(path) || !this.#match(this.#exact, method, path)) return undefined
    // As httprouter: what may change its method on the way (301) only where that is harmless.
    return { kind: 'redirect', status: method === 'GET' ? 301 : 308, path }
  }

  #rest(method: string, rawPath: string): Routing<T> {
    const { fallback } = this.#options
    const methods = this.#methods.filter((other) => this.#exact.find(other, rawPath))
    if (methods.length > 0) {
      const kind = method === 'OPTIONS' ? 'options' : 'wrong-method'
      return { kind, allow: allowOf(methods) }
    }
    if (fallback === undefined) return NONE
    if (method === 'GET' || method === 'HEAD') {
      return { kind: 'match', target: fallback, params: ['filepath', decodeURIComponent(rawPath)] }
    }
    return { kind: method === 'OPTIONS' ? 'options' : 'wrong-method', allow: allowOf(['GET']) }
  }

  #allowAll(): string {
    return allowOf(this.#options.fallback === undefined ? this.#methods : [...this.#methods, 'GET'])
  }
}

function allowOf(methods: readonly string[]): string {
  const allowed = new Set(methods)
  if (allowed.has('GET')) allowed.add('HEAD')
  allowed.add('OPTIONS')
  return [...allowed].toSorted().join(', ')
}
