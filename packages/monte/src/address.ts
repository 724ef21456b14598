import {
  formatIp,
  LocalProtocolError,
  parseIp,
  type Reader,
  RemoteProtocolError,
  type Writer,
} from '@flatend/wire'
import type { Address } from './ports.ts'

const FAMILY_IPV4 = 0
const FAMILY_IPV6 = 1

/**
 * Writes `u8 family | 4 or 16 bytes | u16 port` (protocol §1); zeroes where there is none.
 * @throws LocalProtocolError on a host name, or a port that is none
 */
export function writeAddress(writer: Writer, address: Address | undefined): void {
  const bytes = address ? parseIp(address.host) : new Uint8Array(4)
  if (!bytes) {
    throw new LocalProtocolError(
      'FLATEND_MONTE_ADDRESS',
      `"${address?.host}" is not an IP address: resolve host names before they are advertised`,
    )
  }
  if (address && !(address.port > 0 && address.port <= 0xffff)) {
    throw new LocalProtocolError(
      'FLATEND_MONTE_ADDRESS',
      `port ${address.port} of ${address.host} is not between 1 and 65535`,
    )
  }
  writer
    .u8(bytes.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6)
    .bytes(bytes)
    .u16(address?.port ?? 0)
}

/** Reads what {@link writeAddress} wrote; port 0 stands for none. */
export function readAddress(reader: Reader): Address | undefined {
  const family = reader.u8()
  if (family !== FAMILY_IPV4 && family !== FAMILY_IPV6) {
    throw new RemoteProtocolError('FLATEND_MONTE_FAMILY', `address family ${family} is unknown`)
  }
  const bytes = reader.bytes(family === FAMILY_IPV4 ? 4 : 16)
  const port = reader.u16()
  return port === 0 ? undefined : { host: formatIp(bytes), port }
}
