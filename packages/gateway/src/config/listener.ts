import { readCompress } from './compress.ts'
import { ADDRESS_ALLOWED, parseAddress } from './listen-address.ts'
import { readRoute } from './route.ts'
import { shapeOf } from './route-path.ts'
import type { Section } from './section.ts'
import type {
  ListenAddress,
  ListenerConfig,
  ListenerTimeouts,
  RouteConfig,
  TlsFiles,
} from './types.ts'

/** The documented times of 2020: ten seconds each. */
const DEFAULT_TIME_MS = 10_000
/** The limit 2020 really had: that of Go's net/http, 1 MiB. */
const DEFAULT_HEADER_SIZE = 1_048_576

const DRIVERS = ['auto', 'uws', 'node'] as const

/** Reads one `[[http]]`. */
export function readListener(section: Section): ListenerConfig {
  const https = section.flag('https') ?? false
  const domains = section.merged('domain', 'domains').map(({ value }) => value)
  const addresses = readAddresses(section, https)
  const tls = readTls(section, https)
  const listener: ListenerConfig = {
    https,
    domains,
    addresses,
    tls,
    compress: readCompress(section),
    driver: section.choice('driver', DRIVERS) ?? 'auto',
    redirectTrailingSlash: section.flag('redirect_trailing_slash') ?? true,
    redirectFixedPath: section.flag('redirect_fixed_path') ?? true,
    timeouts: readTimeouts(section),
    ...readLimits(section),
    routes: readRoutes(section),
    where: section.at,
  }
  section.planned('http2', 'acme', 'trusted_proxies', 'cors', 'rate_limit')
  section.planned('access_log')
  section.finish()
  return listener
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

function readTls(section: Section, https: boolean): TlsFiles | undefined {
  const table = section.table('tls')
  if (table === undefined) {
    if (https && !section.has('tls')) {
      section.error(
        'https',
        'needs certificate files: certificates by themselves (ACME) are not supported by this version',
        '[http.tls] with certificate = "FILE" and key = "FILE", or https = false',
      )
    }
    return undefined
  }
  const certificate = table.filled('certificate')
  const key = table.filled('key')
  for (const name of ['certificate', 'key']) {
    if (!table.has(name)) table.error(name, 'is missing', 'the name of a PEM file')
  }
  table.finish()
  if (!https) section.error('tls', 'is used with https = true only', 'https = true')
  if (certificate === undefined || key === undefined) return undefined
  return {
    certificate: certificate.value,
    key: key.value,
    certificateWhere: certificate.at,
    keyWhere: key.at,
  }
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
  for (const table of section.tables('routes')) {
    const route = readRoute(table)
    if (route === undefined) continue
    const shape = shapeOf(route.method, route.segments)
    const before = shapes.get(shape)
    if (before === undefined) shapes.set(shape, route)
    else {
      const same = `${before.method} ${before.path} in line ${before.where.line}`
      table.error('path', `matches the same requests as ${same}, so it is never reached`)
    }
    routes.push(route)
  }
  return routes
}
