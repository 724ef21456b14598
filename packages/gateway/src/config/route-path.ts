import type { RouteSegment } from './types.ts'

/** Methods a route may have: those of 2020, and the two other safe ones. */
export const ROUTE_METHODS: readonly string[] = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
]

/** What a route's path looks like, for messages. */
export const PATH_ALLOWED =
  '"METHOD /path" with :name for one piece and *name for the rest, such as "GET /users/:id/*file"'

/** Longest name of a parameter: a field name of 255 bytes less `params.`. */
const MAX_PARAM_NAME = 248

export interface RoutePath {
  readonly method: string
  readonly path: string
  readonly segments: readonly RouteSegment[]
}

/** Reads `METHOD /a/:id/*rest`. Returns what is wrong, in words, where it cannot. */
export function parseRoutePath(text: string): RoutePath | string {
  const fields = text.trim().split(/\s+/)
  const [first, path] = fields
  if (first === undefined || path === undefined || fields.length > 2) {
    return 'has to be a method and a path, with a space between'
  }
  const method = first.toUpperCase()
  if (!ROUTE_METHODS.includes(method)) {
    return `"${first}" is not a method: use one of ${ROUTE_METHODS.join(', ')}`
  }
  const segments = parseSegments(path)
  return typeof segments === 'string' ? segments : { method, path, segments }
}

function parseSegments(path: string): RouteSegment[] | string {
  if (!path.startsWith('/')) return `path "${path}" has to begin with /`
  if (/[?#%\\]/.test(path)) {
    return `path "${path}" has to be without ?, #, % and \\: it is compared with the decoded path`
  }
  const pieces = path.slice(1).split('/')
  const segments: RouteSegment[] = []
  for (const [index, piece] of pieces.entries()) {
    const segment = parseSegment(piece, index === pieces.length - 1)
    if (typeof segment === 'string') return segment
    segments.push(segment)
  }
  const names = segments.flatMap(({ param }) => (param === undefined ? [] : [param]))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? segments : `parameter "${twice}" is there twice`
}

function parseSegment(piece: string, last: boolean): RouteSegment | string {
  if (piece === '' && !last) return 'has an empty piece (//)'
  if (piece === '.' || piece === '..') return `piece "${piece}" can never be asked for`
  const start = piece.search(/[:*]/)
  if (start === -1) return { prefix: piece }
  const prefix = piece.slice(0, start)
  const name = piece.slice(start + 1)
  if (name === '') return `the parameter in "${piece}" has no name`
  if (/[:*]/.test(name)) return `"${piece}" has more than one parameter between slashes`
  if (name.length * 3 > MAX_PARAM_NAME) return `the parameter name in "${piece}" is too long`
  // 2020 handed parameters to services under their name in lower case.
  const param = name.toLowerCase()
  if (piece[start] === ':') return { prefix, param }
  if (prefix !== '') return `"${piece}": *${name} has to stand right after a slash`
  return last ? { prefix, param, rest: true } : `"${piece}" has to be the last piece`
}

/** The route's shape: equal for two routes that match the same paths. */
export function shapeOf(method: string, segments: readonly RouteSegment[]): string {
  const pieces = segments.map(({ prefix, param, rest }) => {
    if (rest) return '*'
    return param === undefined ? prefix : `${prefix}:`
  })
  return `${method} /${pieces.join('/')}`
}
