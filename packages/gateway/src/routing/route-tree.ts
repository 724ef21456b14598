import findMyWay from 'find-my-way'
import type { RouteSegment } from '../config/types.ts'

/** A route as the router takes it. */
export interface Route<T> {
  readonly method: string
  readonly segments: readonly RouteSegment[]
  readonly target: T
}

/** A route that matched. */
export interface Match<T> {
  readonly route: Route<T>
  /** name, value, name, value …; percent-decoded once. A `*rest` begins with its slash. */
  readonly params: readonly string[]
}

/** The part of find-my-way that is used; its own types speak of Node's requests. */
interface Finder {
  on(method: string, path: string, handler: () => void, store: unknown): void
  find(method: string, path: string): Found | null
}
interface Found {
  readonly store: unknown
  readonly params: Readonly<Record<string, string>>
}
type CreateFinder = (options: {
  readonly caseSensitive: boolean
  readonly maxParamLength: number
  readonly querystringParser: () => undefined
}) => Finder

interface Leaf<T> {
  readonly route: Route<T>
  readonly names: readonly { readonly key: string; readonly name: string; readonly rest: boolean }[]
}

/** Longer than any path a driver lets through: what is too long is refused with 414 further on. */
const MAX_PARAM_LENGTH = 1_048_576
const NO_PARAMS: readonly string[] = []
const nothing = (): undefined => undefined

/** find-my-way with the path syntax of 2020: parameters are whole, named freely and never empty. */
export class RouteTree<T> {
  readonly #finder: Finder
  readonly #caseSensitive: boolean

  constructor(caseSensitive: boolean) {
    this.#caseSensitive = caseSensitive
    this.#finder = (findMyWay as unknown as CreateFinder)({
      caseSensitive,
      maxParamLength: MAX_PARAM_LENGTH,
      querystringParser: nothing,
    })
  }

  /** Adds a route; false where its shape is there already. */
  add(route: Route<T>): boolean {
    const leaf: Leaf<T> = { route, names: namesOf(route.segments) }
    try {
      this.#finder.on(route.method, patternOf(route.segments), nothing, leaf)
      return true
    } catch (error) {
      // Routes that differ in case alone are one route here.
      if (this.#caseSensitive && !String(error).includes('already declared')) throw error
      return false
    }
  }

  /** `rawPath` has to be well-formed (see `pathProblem`). */
  find(method: string, rawPath: string): Match<T> | undefined {
    const found = this.#finder.find(method, rawPath)
    if (found === null) return undefined
    const { route, names } = found.store as Leaf<T>
    if (names.length === 0) return { route, params: NO_PARAMS }
    const params: string[] = []
    for (const { key, name, rest } of names) {
      const value = found.params[key] as string
      params.push(name, rest ? `/${value}` : value)
    }
    return { route, params }
  }
}

function namesOf(segments: readonly RouteSegment[]): Leaf<unknown>['names'] {
  return segments.flatMap(({ param, rest = false }, index) =>
    param === undefined ? [] : [{ key: rest ? '*' : `p${index}`, name: param, rest }],
  )
}

/** Parameters are called p0, p1, …: find-my-way would read `-` and `.` in a name as its end. */
function patternOf(segments: readonly RouteSegment[]): string {
  const pieces = segments.map(({ prefix, param, rest }, index) => {
    if (rest) return '*'
    return param === undefined ? prefix : `${prefix}:p${index}([^]+)`
  })
  return `/${pieces.join('/')}`
}

/** The path a match stands for, in the route's own spelling. Never begins with two slashes. */
export function pathOf<T>(match: Match<T>): string {
  let index = 1
  const pieces = match.route.segments.map(({ prefix, param, rest }) => {
    if (param === undefined) return encodeURIComponent(prefix)
    const value = match.params[index] as string
    index += 2
    if (!rest) return encodeURIComponent(prefix + value)
    return value.slice(1).split('/').map(encodeURIComponent).join('/')
  })
  return `/${pieces.join('/').replace(/^\/+/, '')}`
}
