import { parseIp } from '@flatend/wire'
import type { Address } from '../ports.ts'

/** Bytes of an IPv6 address that say whose it is: a /64 is one site's, or one home's. */
const IPV6_PREFIX = 8

/** Who is at the other end, as far as an address tells. */
export interface RemoteHost {
  /** The same for all addresses one host can choose from at will. */
  readonly name: string
  readonly loopback: boolean
}

/**
 * The host behind an address: an IPv4 address whole, of an IPv6 one its /64, since a host has all of
 * one (RFC 4291 §2.5.4). Links without an address count as one host.
 */
export function remoteHost(remote: Address | undefined): RemoteHost {
  if (!remote) return { name: '', loopback: false }
  const bytes = parseIp(remote.host)
  if (!bytes) return { name: remote.host, loopback: false }
  const v4 = mappedIpv4(bytes)
  if (v4) return { name: v4.join('.'), loopback: v4[0] === 127 }
  return {
    name: bytes.subarray(0, IPV6_PREFIX).join(':'),
    loopback: bytes.every((byte, i) => byte === (i === 15 ? 1 : 0)),
  }
}

/** The IPv4 address, also one in IPv6 notation (RFC 4291 §2.5.5.2). */
function mappedIpv4(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 4) return bytes
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((b) => !b)
  return mapped ? bytes.subarray(12) : undefined
}
