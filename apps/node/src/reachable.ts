import type { ReachabilityStatus } from '@flatend/kademlia'
import { formatAddress } from './address.ts'
import type { Logger } from './logger.ts'
import type { Address } from './transport.ts'

/** Tells in the log what was found out about who can dial this node, and what to do about it. */
export function logReachability(
  log: Logger,
  advertised: Address | undefined,
  { state, address, observed, reason }: ReachabilityStatus,
): void {
  const seen = observed.map(formatAddress)
  const told = advertised && formatAddress(advertised)
  if (state === 'public' && address) {
    const proven = formatAddress(address)
    log.info({ address: proven, reason }, 'peers can dial this node')
    if (!advertised || seen.length === 0 || observed.some(({ host }) => host === advertised.host))
      return
    // Peers of the same site see it there, whatever the world does.
    if (isLocal(address.host) && !isLocal(advertised.host)) return
    log.warn(
      { advertised: told, address: proven, cure: `set publicAddr to ${proven}` },
      'this node advertises another address than the one peers dialed it at',
    )
  } else if (state === 'private' && advertised) {
    const cure = `open or forward TCP port ${advertised.port} to this machine, or correct publicAddr`
    log.warn(
      { advertised: told, observed: seen, cure },
      'nobody can dial this node at the address it advertises',
    )
  } else if (state === 'private') {
    log.info(
      { observed: seen, reason },
      'nobody can dial this node: it is called over its own connections',
    )
  }
}

/** Addresses of a site or a machine alone: RFC 1918, 6598 and 3927, loopback, and those of IPv6. */
const LOCAL =
  /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/i

/** Whether an address means something within a site alone. */
export function isLocal(host: string): boolean {
  return LOCAL.test(host)
}

/**
 * Whether a proven address may be told to all: what only this machine or this cable knows is another
 * node's, or nobody's, elsewhere.
 */
export function isTellable({ host }: Address): boolean {
  return !/^(127\.|169\.254\.|0\.|::1$|fe[89ab][0-9a-f]:)/i.test(host)
}
