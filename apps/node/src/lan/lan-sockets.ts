import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isWildcard } from '../address.ts'
import { NodeError } from '../errors.ts'
import type { Endpoint } from '../transport.ts'
import type { LanSocket } from './lan-discovery.ts'
import { DEFAULT_GROUP, DEFAULT_PORT, type LanOptions } from './lan-options.ts'

/** Interfaces that are used where none is named. */
const MAX_INTERFACES = 8

/** Where a {@link LanSocket} is to be, and who hears of it. */
export interface LanPlace {
  readonly options: LanOptions
  /** IPv4 address of the interface. */
  readonly host: string
  readonly onMessage: (bytes: Uint8Array, host: string) => void
  /** It works no more. */
  readonly onError: (error: Error) => void
}

/** @throws NodeError `FLATEND_NODE_LAN` for what is no interface, group or port */
export function checkLan({ interface: host, group = DEFAULT_GROUP, port }: LanOptions): void {
  if (host !== undefined && !isIPv4(host))
    throw wrong(`interface "${host}" is not an IPv4 address of this machine`)
  // RFC 2365: what is sent there leaves no organization, and with a TTL of 1 no cable.
  if (!isIPv4(group) || !group.startsWith('239.'))
    throw wrong(`group "${group}" is not within 239.0.0.0/8, which is for use within a site`)
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port <= 65_535))
    throw wrong(`port ${port} is none: it is a number from 1 to 65535`)
}

function wrong(what: string): NodeError {
  return new NodeError('FLATEND_NODE_LAN', `lan: ${what}`)
}

/** IPv4 addresses of the interfaces to use. */
export function lanInterfaces(
  { interface: host }: LanOptions,
  bound: Endpoint | undefined,
): readonly string[] {
  if (host !== undefined) return [host]
  if (bound && isIPv4(bound.host) && !isWildcard(bound.host)) return [bound.host]
  return Object.values(networkInterfaces())
    .flatMap((list = []) => list)
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .slice(0, MAX_INTERFACES)
}

/** A socket on one interface. @throws the system's error where multicast does not work there */
export function openLanSocket(place: LanPlace): Promise<LanSocket> {
  const { options, host, onMessage, onError } = place
  const { group = DEFAULT_GROUP, port = DEFAULT_PORT } = options
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    // Bound to the group, a socket hears of nothing else; Windows cannot do that.
    const address = process.platform === 'win32' ? host : group
    socket.bind({ address, port }, () => {
      try {
        socket.addMembership(group, host)
        socket.setMulticastInterface(host)
        socket.setMulticastTTL(1)
        // Other nodes of this machine hear it too.
        socket.setMulticastLoopback(true)
      } catch (error) {
        socket.close()
        reject(error)
        return
      }
      socket.removeAllListeners('error').on('error', onError)
      socket.on('message', (bytes, from) => onMessage(bytes, from.address))
      socket.unref()
      resolve(wrap(socket, { group, port, onError }))
    })
  })
}

function wrap(
  socket: Socket,
  to: Required<Pick<LanOptions, 'group' | 'port'>> & Pick<LanPlace, 'onError'>,
): LanSocket {
  return {
    send: (bytes) =>
      socket.send(bytes, to.port, to.group, (error) => {
        if (error) to.onError(error)
      }),
    close: () => void socket.close(),
  }
}
