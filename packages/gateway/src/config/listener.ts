import { readCompress } from './compress.ts'
import { readEdge, readProxies } from './edge.ts'
import { withHttp2 } from './grpc.ts'
import { ADDRESS_ALLOWED, parseAddress } from './listen-address.ts'
import { readRoute } from './route.ts'
import { shapeOf } from './route-path.ts'
import type { Section } from './section.ts'
import { readTls } from './tls.ts'
import type { ListenAddress, ListenerConfig, ListenerTimeouts, RouteConfig } from './types.ts'

/** The documented times of 2020: ten seconds each. */
const DEFAULT_TIME_MS = 10_000
/** The limit 2020 really had: that of Go's net/http, 1 MiB. */
const DEFAULT_HEADER_SIZE = 1_048_576

const DRIVERS = ['auto', 'uws', 'node'] as const

/**
 * Reads all `[[http]]`; at the end come the listeners that redirect to HTTPS, which stand for no
 * table of their own.
 */
export function readListeners(sections: readonly Section[]): readonly ListenerConfig[] {
  const read = sections.map(readListener)
  const listeners = read.map(({ listener }) => listener)
  for (const { listener, plain } of read) {
    if (plain === undefined) continue
    const known = listeners.flatMap(({ addresses }) => addresses)
    // Port 80 is asked for by nobody: whoever has it already answers the CA's challenges as well.
    const covered = plain.assumed && known.some(({ port }) => port === plain.address.port)
    if (!covered) listeners.push(redirecting(listener, plain.address))
  }
  return listeners
}

interface ReadListener {
  readonly listener: ListenerConfig
  readonly plain: PlainAddress | undefined
}

/** Where HTTP is redirected to HTTPS. */
interface PlainAddress {
  readonly address: ListenAddress
  /** The configuration does not name it. */
  readonly assumed: boolean
}

function readListener(section: Section): ReadListener {
  const https = section.flag('https') ?? false
  const addresses = readAddresses(section, https)
  const driver = section.choice('driver', DRIVERS) ?? 'auto'
  const listener: ListenerConfig = {
    https,
    addresses,
    driver,
    ...readTls(section, { https, driver }),
    redirectHttps: undefined,
    compress: readCompress(section),
    redirectTrailingSlash: section.flag('redirect_trailing_slash') ?? true,
    redirectFixedPath: section.flag('redirect_fixed_path') ?? true,
    timeouts: readTimeouts(section),
    trustedProxies: readProxies(section),
    ...readEdge(section),
    ...readLimits(section),
    accessLog: section.flagOr('access_log', ['json']) ?? false,
    routes: readRoutes(section),
    where: section.at,
  }
  const plain = readPlainAddress(section, listener)
  section.finish()
  return { listener: withHttp2(section, listener), plain }
}

/** Where HTTP is redirected to this HTTPS listener: port 80 where certificates come by ACME. */
function readPlainAddress(section: Section, listener: ListenerConfig): PlainAddress | undefined {
  const text = section.text('http_addr')
  if (text !== undefined && !listener.https) {
    section.error('http_addr', 'is used with https = true only', 'https = true')
  }
  if (!listener.https || text?.value === '') return undefined
  if (text === undefined) {
    const address = { host: '', port: 80, where: section.at }
    return listener.acme && { address, assumed: true }
  }
  const address = parseAddress(text.value)
  if (address) return { address: { ...address, where: text.at }, assumed: false }
  section.error('http_addr', 'is not an address', `${ADDRESS_ALLOWED}, or "" for none`)
  return undefined
}

function redirecting(listener: ListenerConfig, address: ListenAddress): ListenerConfig {
  const { where } = address
  return {
    ...listener,
    https: false,
    http2: undefined,
    domains: [],
    tls: [],
    acme: undefined,
    addresses: [address],
    redirectHttps: listener.addresses[0]?.port ?? 443,
    routes: [],
    where,
  }
}

function readAddresses(section: Section, https: boolean): readonly ListenAddress[] {
  const addresses: ListenAddress[] = []
  for (const { value, at } of section.merged('addr', 'addrs')) {
    const address = parseAddress(value)
    if (address) addresses.push({ ...address, where: at })
    else {
      const key = section.has('addrs') ? 'addrs' : 'addr'
      const near = /^\d{1,5}$/.test(value) ? { suggestion: `:${value}` } : {}
      const message = `"${value}" is not an address`
      section.errorAt(at, key, { message, allowed: ADDRESS_ALLOWED, ...near })
    }
  }
  if (section.has('addr') || section.has('addrs')) return addresses
  return [{ host: '', port: https ? 443 : 80, where: section.at }]
}

function readTimeouts(section: Section): ListenerTimeouts {
  const table = section.table('timeout')
  const time = (key: string): number => table?.duration(key) ?? DEFAULT_TIME_MS
  const timeouts = {
    readMs: time('read'),
    readHeaderMs: time('read_header'),
    idleMs: time('idle'),
    writeMs: time('write'),
    shutdownMs: time('shutdown'),
  }
  table?.finish()
  return timeouts
}

function readLimits(section: Section): Pick<ListenerConfig, 'maxHeaderSize' | 'maxBodySize'> {
  const max = section.table('max')
  const maxHeaderSize = max?.size('header_size') || DEFAULT_HEADER_SIZE
  const maxBodySize = max?.size('body_size')
  max?.finish()
  const min = section.table('min')
  if (min?.size('body_size') !== undefined) {
    min.warn('body_size', 'has no effect, as in 2020: small bodies are taken')
  }
  min?.finish()
  return { maxHeaderSize, maxBodySize }
}

function readRoutes(section: Section): readonly RouteConfig[] {
  const routes: RouteConfig[] = []
  const shapes = new Map<string, RouteConfig>()
  const add = (table: Section, route: RouteConfig): void => {
    const shape = shapeOf(route.method, route.segments)
    const before = shapes.get(shape)
    if (before === undefined) shapes.set(shape, route)
    else {
      const same = `${before.method} ${before.path} in line ${before.where.line}`
      table.error('path', `matches the same requests as ${same}, so it is never reached`)
    }
    routes.push(route)
  }
  for (const table of section.tables('routes')) {
    for (const route of readRoute(table)) add(table, route)
  }
  return routes
}
