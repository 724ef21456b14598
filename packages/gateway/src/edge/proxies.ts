import type { Exchange } from '../driver.ts'
import { type IpRange, inRanges, isIp } from './ip.ts'

/** Whom a listener believes. */
export interface TrustedProxies {
  readonly ranges: readonly IpRange[]
  /** They say `Forwarded` (RFC 7239) in place of `X-Forwarded-*`. */
  readonly forwarded: boolean
}

/** What a request said before proxies: the members of an {@link Exchange} of the same names. */
export type Origin = Pick<Exchange, 'peer' | 'scheme' | 'authority' | 'headers'>

/** One proxy's word on whom it took the request from. */
interface Hop {
  readonly client: string
  readonly scheme: string | undefined
  readonly authority: string | undefined
}

/** Only the word of so many proxies is read. */
const MAX_HOPS = 32
const AUTHORITY = /^[\w.:[\]-]{1,255}$/

/**
 * Where a request came from: read from right to left as long as the one who says it is trusted, the
 * PROXY protocol's word first, which is that of whoever is connected. What
 * proxies say is never passed on as headers: services read `:peer`, `:scheme` and `:authority`.
 */
export function originOf(exchange: Exchange, { ranges, forwarded }: TrustedProxies): Origin {
  const trusted = inRanges(exchange.peer, ranges)
  const hops = trusted ? hopsOf(exchange.headers, forwarded) : []
  let { peer, scheme, authority } = exchange
  if (trusted) peer = exchange.proxied ?? peer
  for (const hop of hops) {
    if (!inRanges(peer, ranges)) break
    if (hop.scheme === 'http' || hop.scheme === 'https') scheme = hop.scheme
    if (hop.authority !== undefined && AUTHORITY.test(hop.authority)) authority = hop.authority
    if (!isIp(hop.client)) break
    peer = hop.client
  }
  return { peer, scheme, authority, headers: withoutClaims(exchange.headers) }
}

const isClaim = (name: string): boolean => name === 'forwarded' || name.startsWith('x-forwarded-')

function withoutClaims(headers: readonly string[]): readonly string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    if (!isClaim(name)) kept.push(name, headers[i + 1] as string)
  }
  return kept
}

/** The nearest proxy's word first. */
function hopsOf(headers: readonly string[], forwarded: boolean): readonly Hop[] {
  if (forwarded) return listOf(headers, 'forwarded').map(readForwarded)
  const schemes = listOf(headers, 'x-forwarded-proto')
  const authorities = listOf(headers, 'x-forwarded-host')
  return listOf(headers, 'x-forwarded-for').map((client, i) => ({
    client: withoutPort(client),
    // A proxy that sets these anew leaves one value however many addresses there are.
    scheme: schemes[Math.min(i, schemes.length - 1)]?.toLowerCase(),
    authority: authorities[Math.min(i, authorities.length - 1)],
  }))
}

function listOf(headers: readonly string[], name: string): readonly string[] {
  const all: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === name) all.push(headers[i + 1] as string)
  }
  const items = all.length === 0 ? [] : all.join(',').split(',')
  return items
    .slice(-MAX_HOPS)
    .map((item) => item.trim())
    .toReversed()
}

function readForwarded(element: string): Hop {
  const pairs = new Map<string, string>()
  for (const pair of element.split(';')) {
    const equals = pair.indexOf('=')
    const value = pair.slice(equals + 1).trim()
    pairs.set(pair.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1'))
  }
  return {
    client: withoutPort(pairs.get('for') ?? ''),
    scheme: pairs.get('proto')?.toLowerCase(),
    authority: pairs.get('host'),
  }
}

/** `1.2.3.4:5` and `[::1]:5` as addresses alone. */
function withoutPort(text: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1]
  if (bracketed !== undefined) return bracketed
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}
