import { utf8Length } from '../utf8.ts'
import { readEdge, readHeaderEdits } from './edge.ts'
import { checkGrpcRoute, readGrpc } from './grpc.ts'
import { readCache } from './route-cache.ts'
import { readKey } from './route-key.ts'
import { PATH_ALLOWED, parseRoutePath, ROUTE_METHODS, type RoutePath } from './route-path.ts'
import type { Located, Section } from './section.ts'
import { readStaticOptions } from './static.ts'
import type { RedirectTarget, RouteConfig, ServiceTarget } from './types.ts'
import { readWebSocket } from './web-socket.ts'

/** Services one request can name (a u8 on the wire) and the bytes of a service's name. */
const MAX_SERVICES = 255
const MAX_SERVICE_NAME = 255

/** Reads one `[[http.routes]]`: a route for each of its methods, none where it cannot be used. */
export function readRoute(section: Section): readonly RouteConfig[] {
  const path = readPath(section)
  const target = readTarget(section)
  const timeoutMs = readTimeout(section)
  const noCache = section.flag('nocache') ?? false
  const route: Omit<RouteConfig, 'method' | 'path' | 'segments' | 'target'> = {
    noCache,
    timeoutMs,
    maxBodySize: readBodySize(section),
    key: readKey(section),
    auth: readAuth(section),
    headers: readHeaderEdits(section),
    retry: section.flag('retry') ?? true,
    webSocket: readWebSocket(section),
    grpc: readGrpc(section),
    cache: readCache(section, noCache),
    ...readEdge(section),
    where: section.where('path'),
  }
  const methods = readMethods(section, path?.method)
  if (route.grpc !== undefined) checkGrpcRoute(section, methods, target)
  section.finish()
  if (path === undefined || target === undefined) return []
  if (!fits(section, methods, { target, ...route })) return []
  const whole: RouteConfig = { ...path, target, ...route }
  return methods.map((method) => Object.assign({}, whole, { method }))
}

/** Whether the methods and options are those of the target; what is not is reported. */
function fits(
  section: Section,
  methods: readonly string[],
  { target, noCache, webSocket }: Pick<RouteConfig, 'target' | 'noCache' | 'webSocket'>,
): boolean {
  const other = methods.find((method) => method !== 'GET')
  if (webSocket !== undefined && (other !== undefined || target.kind !== 'service')) {
    section.error('websocket', 'needs a service and GET')
    return false
  }
  if (target.kind === 'static') {
    if (noCache && target.options.immutable) section.error('immutable', 'stands beside nocache')
    if (other === undefined) return true
    section.error('static', `files are served by GET, not by ${methods.join(', ')}`)
    return false
  }
  return true
}

function readPath(section: Section): RoutePath | undefined {
  const text = section.text('path')
  if (text === undefined) {
    if (!section.has('path')) section.error('path', 'is missing', PATH_ALLOWED)
    return undefined
  }
  const path = parseRoutePath(text.value)
  if (typeof path !== 'string') return path
  section.errorAt(text.at, 'path', { message: path, allowed: PATH_ALLOWED })
  return undefined
}

/** The method of `path` and those of `methods`. */
function readMethods(section: Section, first: string | undefined): readonly string[] {
  const methods = new Set(first === undefined ? [] : [first])
  for (const { value, at } of section.texts('methods') ?? []) {
    const method = value.toUpperCase()
    if (ROUTE_METHODS.includes(method)) methods.add(method)
    else {
      const message = `"${value}" is not a method`
      section.errorAt(at, 'methods', { message, allowed: ROUTE_METHODS.join(', ') })
    }
  }
  return [...methods]
}

function readAuth(section: Section): string | undefined {
  const text = section.filled('auth')
  if (text === undefined || utf8Length(text.value) <= MAX_SERVICE_NAME) return text?.value
  section.errorAt(text.at, 'auth', {
    message: 'is not a service name',
    allowed: `1 to ${MAX_SERVICE_NAME} bytes`,
  })
  return undefined
}

function readTarget(section: Section): RouteConfig['target'] | undefined {
  const one = section.filled('service')
  const many = section.texts('services')
  const files = section.filled('static')
  const elsewhere = readRedirect(section)
  const options = readStaticOptions(section)
  const allowed = 'exactly one of service, services, static, redirect'
  const given = ['service', 'services', 'static', 'redirect'].filter((key) => section.has(key))
  if (given.length !== 1) {
    const second = given[1]
    if (second === undefined) section.error('service', 'the route has no target', allowed)
    else section.error(second, `stands beside ${given[0]}`, allowed)
    return undefined
  }
  if (elsewhere !== undefined) return elsewhere
  if (files !== undefined) return { kind: 'static', path: files.value, options, where: files.at }
  const names = one === undefined ? many : [one]
  return names === undefined ? undefined : readServices(section, names)
}

const REDIRECT_STATUSES = [301, 302, 303, 307, 308]

function readRedirect(section: Section): RedirectTarget | undefined {
  const to = section.filled('redirect')
  const status = section.size('redirect_status') ?? 308
  if (!REDIRECT_STATUSES.includes(status)) {
    section.error('redirect_status', `is ${status}`, REDIRECT_STATUSES.join(', '))
  }
  if (to === undefined) return undefined
  if (/^(?:\/(?!\/)|https?:\/\/[^/])[\x21-\x7e]*$/.test(to.value)) {
    return { kind: 'redirect', to: to.value, status }
  }
  const message = `"${to.value}" is not a place to go to`
  section.errorAt(to.at, 'redirect', { message, allowed: '"/path" or "https://host/path"' })
  return undefined
}

function readServices(section: Section, names: readonly Located[]): ServiceTarget | undefined {
  const key = section.has('service') ? 'service' : 'services'
  if (names.length === 0 || names.length > MAX_SERVICES) {
    section.error(key, `names ${names.length} services`, `1 to ${MAX_SERVICES}`)
    return undefined
  }
  const bad = names.find(({ value }) => value === '' || utf8Length(value) > MAX_SERVICE_NAME)
  if (bad !== undefined) {
    section.errorAt(bad.at, key, {
      message: `"${bad.value}" is not a service name`,
      allowed: `1 to ${MAX_SERVICE_NAME} bytes`,
    })
    return undefined
  }
  return { kind: 'service', services: [...new Set(names.map(({ value }) => value))] }
}

function readTimeout(section: Section): number | undefined {
  const timeoutMs = section.duration('timeout')
  if (timeoutMs !== 0) return timeoutMs
  section.error(
    'timeout',
    'a call without a deadline is not possible',
    'more than 0, such as "24h"',
  )
  return undefined
}

/** `body_size`, or `max.body_size`, which 2020 knew on routes too. */
function readBodySize(section: Section): number | undefined {
  const size = section.size('body_size')
  const max = section.table('max')
  const old = max?.size('body_size')
  max?.finish()
  const min = section.table('min')
  if (min?.size('body_size') !== undefined) min.warn('body_size', 'has no effect, as in 2020')
  min?.finish()
  return size ?? old
}
