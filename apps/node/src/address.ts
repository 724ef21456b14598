import { isIP } from 'node:net'
import { NodeError } from './errors.ts'
import type { Address } from './transport.ts'

/**
 * Parses `host:port`, `[IPv6]:port` or `:port`; the last form has an empty host.
 * @throws NodeError `FLATEND_NODE_ADDRESS` that says what is wrong with it.
 */
export function parseAddress(text: string, what: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text.trim())
  if (!match) {
    throw new NodeError(
      'FLATEND_NODE_ADDRESS',
      `${what} "${text}" is not an address: write host:port, [IPv6]:port or :port`,
    )
  }
  const [, bracketed, plain = '', digits = ''] = match
  const port = Number(digits)
  if (port > 65_535) {
    throw new NodeError('FLATEND_NODE_ADDRESS', `${what} "${text}": ports end at 65535`)
  }
  if (bracketed !== undefined && isIP(bracketed) !== 6) {
    throw new NodeError('FLATEND_NODE_ADDRESS', `${what} "${text}": [${bracketed}] is not IPv6`)
  }
  return { host: bracketed ?? plain, port }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether it stands for all addresses of a machine, so that nobody can dial it. */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host)
}
