import { utf8Length } from '../utf8.ts'
import { PATH_ALLOWED, parseRoutePath, type RoutePath } from './route-path.ts'
import type { Located, Section } from './section.ts'
import { readStaticOptions } from './static.ts'
import type { RouteConfig, ServiceTarget, StaticTarget } from './types.ts'
import { readWebSocket } from './web-socket.ts'

/** Services one request can name (a u8 on the wire) and the bytes of a service's name. */
const MAX_SERVICES = 255
const MAX_SERVICE_NAME = 255

/** Reads one `[[http.routes]]`; `undefined` where it cannot be used. */
export function readRoute(section: Section): RouteConfig | undefined {
  const path = readPath(section)
  const target = readTarget(section)
  const timeoutMs = readTimeout(section)
  const route: Omit<RouteConfig, 'method' | 'path' | 'segments' | 'target'> = {
    noCache: section.flag('nocache') ?? false,
    timeoutMs,
    maxBodySize: readBodySize(section),
    webSocket: readWebSocket(section),
    where: section.where('path'),
  }
  section.planned('methods', 'retry', 'cors', 'rate_limit', 'auth', 'redirect')
  section.planned('headers', 'cache')
  section.finish()
  if (path === undefined || target === undefined) return undefined
  if (route.noCache && target.kind === 'static' && target.options.immutable) {
    section.error('immutable', 'stands beside nocache')
  }
  if (target.kind === 'static' && path.method !== 'GET') {
    section.error('static', `files are served by GET, not by ${path.method}`)
    return undefined
  }
  if (route.webSocket !== undefined && (path.method !== 'GET' || target.kind === 'static')) {
    section.error('websocket', 'needs a service and GET')
    return undefined
  }
  return { ...path, target, ...route }
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

function readTarget(section: Section): ServiceTarget | StaticTarget | undefined {
  const one = section.filled('service')
  const many = section.texts('services')
  const files = section.filled('static')
  const options = readStaticOptions(section)
  const allowed = 'exactly one of service, services, static'
  const given = ['service', 'services', 'static'].filter((key) => section.has(key))
  if (given.length !== 1) {
    const second = given[1]
    if (second === undefined) section.error('service', 'the route has no target', allowed)
    else section.error(second, `stands beside ${given[0]}`, allowed)
    return undefined
  }
  if (files !== undefined) return { kind: 'static', path: files.value, options, where: files.at }
  const names = one === undefined ? many : [one]
  return names === undefined ? undefined : readServices(section, names)
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
