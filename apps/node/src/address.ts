import { isIP } from 'node:net'
import { NodeError } from './errors.ts'
import type { Address, Endpoint } from './transport.ts'

/**
 * Parses `host:port`, `[IPv6]:port`, `:port`, which has an empty host, or the URL of a WebSocket.
 * @throws NodeError `FLATEND_NODE_ADDRESS` that says what is wrong with it.
 */
export function parseAddress(text: string, what: string): Endpoint {
  const trimmed = text.trim()
  if (/^[a-z]+:\/\//i.test(trimmed)) return parseUrl(trimmed, what)
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(trimmed)
  if (!match) throw wrong(text, what, 'is not an address: write host:port, [IPv6]:port or :port')
  const [, bracketed, plain = '', digits = ''] = match
  const port = Number(digits)
  if (port > 65_535) throw wrong(text, what, 'has no such port: ports end at 65535')
  if (bracketed !== undefined && isIP(bracketed) !== 6)
    throw wrong(text, what, `is not an address: [${bracketed}] is not IPv6`)
  return { host: bracketed ?? plain, port }
}

function parseUrl(text: string, what: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:')
    throw wrong(text, what, 'is no address of a WebSocket: write ws://host:port or wss://host')
  const usual = url.protocol === 'ws:' ? 80 : 443
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: url.port === '' ? usual : Number(url.port), url: url.href }
}

function wrong(text: string, what: string, how: string): NodeError {
  return new NodeError('FLATEND_NODE_ADDRESS', `${what} "${text}" ${how}`)
}

/** An endpoint as {@link parseAddress} takes it. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.url ?? formatAddress(endpoint)
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether it stands for all addresses of a machine, so that nobody can dial it. */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host)
}
