import type { Cors } from '../edge/cors.ts'
import type { HeaderEdits } from '../edge/edge-exchange.ts'
import { parseRange } from '../edge/ip.ts'
import type { TrustedProxies } from '../edge/proxies.ts'
import type { RateLimit } from '../edge/rate-limit.ts'
import type { Located, Section } from './section.ts'

/** Keys a listener and a route share. */
export interface EdgeConfig {
  readonly cors: Cors | undefined
  readonly rateLimit: RateLimit | undefined
}

const DAY_SECONDS = 86_400
/** RFC 9110 §5.6.2 and §5.5. */
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t -~\u0080-\uffff]*)$/
/** The driver says these. */
const OWN = /^(?:content-length|connection|transfer-encoding|keep-alive|upgrade|trailer)$/

/** Reads `cors` and `rate_limit`. */
export function readEdge(section: Section): EdgeConfig {
  return { cors: readCors(section.table('cors')), rateLimit: readRateLimit(section) }
}

function readCors(table: Section | undefined): Cors | undefined {
  if (table === undefined) return undefined
  const list = (key: string): readonly string[] =>
    (table.texts(key) ?? []).map(({ value }) => value)
  const origins = table.texts('origins') ?? []
  if (origins.length === 0) table.error('origins', 'is missing', '["https://example.org"] or ["*"]')
  for (const { value, at } of origins) {
    if (value === '*' || /^[a-z][a-z\d+.-]*:\/\/[^/?#]+$/i.test(value)) continue
    const message = `"${value}" is not an origin`
    table.errorAt(at, 'origins', { message, allowed: '"https://example.org" or "*"' })
  }
  const maxAgeMs = table.duration('max_age')
  const cors: Cors = {
    origins: origins.map(({ value }) => value.toLowerCase()),
    methods: list('methods'),
    headers: list('headers'),
    expose: list('expose'),
    credentials: table.flag('credentials') ?? false,
    maxAge: maxAgeMs === undefined ? DAY_SECONDS : Math.floor(maxAgeMs / 1_000),
  }
  if (cors.credentials && cors.origins.includes('*')) {
    table.error('credentials', 'would let every page act as its visitor', 'origins by name')
  }
  table.finish()
  return cors
}

function readRateLimit(section: Section): RateLimit | undefined {
  const table = section.table('rate_limit')
  if (table === undefined) return undefined
  const requests = table.size('requests') ?? 0
  const perMs = table.duration('per') ?? 1_000
  const burst = table.size('burst') ?? requests
  if (requests === 0) table.error('requests', 'has to be 1 or more')
  if (perMs === 0) table.error('per', 'has to be more than 0')
  if (requests > 0 && burst === 0) table.error('burst', 'has to be 1 or more')
  table.finish()
  return { requests, perMs, burst }
}

/** Reads `trusted_proxies` and `forwarded`. */
export function readProxies(section: Section): TrustedProxies | undefined {
  const texts = section.texts('trusted_proxies')
  const forwarded = section.flag('forwarded') ?? false
  if (texts === undefined) return undefined
  const ranges = texts.flatMap(({ value, at }) => {
    const range = parseRange(value)
    if (range !== undefined) return [range]
    const message = `"${value}" is not a range of IP addresses`
    section.errorAt(at, 'trusted_proxies', { message, allowed: '"10.0.0.0/8", "fd00::/8", "::1"' })
    return []
  })
  return { ranges, forwarded }
}

/** Reads `headers`. */
export function readHeaderEdits(section: Section): HeaderEdits | undefined {
  const table = section.table('headers')
  if (table === undefined) return undefined
  const set = (table.texts('set') ?? []).flatMap((text) => readHeader(table, text))
  const remove = (table.texts('remove') ?? []).map(({ value }) => value.toLowerCase())
  table.finish()
  return { set, remove }
}

function readHeader(table: Section, { value, at }: Located): readonly string[] {
  const [, name = '', text = ''] = HEADER.exec(value) ?? []
  if (name !== '' && !OWN.test(name.toLowerCase())) return [name.toLowerCase(), text.trimEnd()]
  const message = `"${value}" is not a header that can be set`
  table.errorAt(at, 'set', { message, allowed: '"x-frame-options: DENY"' })
  return []
}
