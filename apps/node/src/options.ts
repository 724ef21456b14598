import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { DiscoveryLimits } from '@flatend/kademlia'
import type { AdmissionLimits, SessionLimits, Suite } from '@flatend/monte'
import type { RpcLimits } from '@flatend/rpc'
import type { AllowList, AuthorizePeer } from './access.ts'
import { formatAddress, formatEndpoint, isWildcard, parseAddress } from './address.ts'
import { NodeError } from './errors.ts'
import type { Logger } from './logger.ts'
import type { Clock } from './runtime.ts'
import type { Handler } from './serve.ts'
import type { Address, Endpoint, Transport } from './transport.ts'

/** Limits of a node, by what they limit. Every one may be left out (docs/protocol.md §4). */
export interface NodeLimits {
  /** Connections: how many, how fast, how many of one host or identity. */
  readonly admission?: Partial<AdmissionLimits>
  /** One connection: its times and queues. */
  readonly session?: Partial<SessionLimits>
  /** Calls of one connection. A WebSocket is a call for as long as it is open. */
  readonly calls?: Partial<Pick<RpcLimits, 'maxStreams'>>
  /** Discovery: how many nodes are kept connected. */
  readonly discovery?: Partial<DiscoveryLimits>
}

/** Options of {@link Node.start}. Every one may be left out. */
export interface NodeOptions {
  /** `host:port` at which others reach this node. Without it, the first of `bindAddrs` that is not a wildcard. */
  readonly publicAddr?: string
  /** Addresses to take connections on: `host:port`, `[IPv6]:port`, or `:port` for all interfaces; `ws://host:port` for WebSockets, which may come through a proxy. @default publicAddr, where given */
  readonly bindAddrs?: readonly string[]
  /** Nodes to join the mesh through, host names or IPs, or `ws://…` and `wss://…`. They may be down: the node tries for ever. */
  readonly addrs?: readonly string[]
  /** Ed25519 identity, 32 or 64 bytes, see {@link generateSecretKey}. @default a new one for this process */
  readonly secretKey?: Uint8Array
  /** Functions by the name of their service. */
  readonly services?: Readonly<Record<string, Handler>> | ReadonlyMap<string, Handler>
  /** Speak the 2020 protocol too. It is weak: see SECURITY.md. @default false */
  readonly legacy?: boolean
  /** Name of the mesh; nodes of other names cannot connect. @default '' */
  readonly network?: string
  /** 32 random bytes that all nodes of a private mesh share. */
  readonly networkKey?: Uint8Array
  /** Told to peers in the hello: `zone`, `version` and the like. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Asked before a session opens and before each call, in both directions. @default all may do everything */
  readonly authorize?: AuthorizePeer
  /** Keys that may connect, and that may call or answer a service; asked before `authorize`. @default all */
  readonly allow?: AllowList
  /** @default those of docs/protocol.md §4 */
  readonly limits?: NodeLimits
  /** @default silent */
  readonly logger?: Logger
  /** How long {@link Node.start} waits for the first answers of `addrs`, in milliseconds. @default 2_000 */
  readonly joinTimeoutMs?: number
  /** Deadline of calls that name none, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  /**
   * Web sites, such as `https://example.com`, whose pages may connect to `ws://` addresses of this
   * node. Programs that are no browser need no permission. @default none
   */
  readonly webOrigins?: readonly string[]
  /** How connections are made. @default TCP, and WebSockets for addresses with `ws://` or `wss://` */
  readonly transport?: Transport
  /** Cryptography. @default node:crypto */
  readonly suite?: Suite
  /** @default real time */
  readonly clock?: Clock
  /** Numbers in [0, 1) for jitter and balancing. @default Math.random */
  readonly random?: () => number
}

/** Addresses to listen on. @throws NodeError `FLATEND_NODE_ADDRESS` for what is no address. */
export function bindAddresses({ bindAddrs, publicAddr }: NodeOptions): Endpoint[] {
  const own = publicEndpoint(publicAddr)
  if (!bindAddrs) return own ? [own] : []
  return bindAddrs.map((text) => {
    const endpoint = parseAddress(text, 'bindAddrs')
    const { protocol, pathname, search } = new URL(endpoint.url ?? 'ws://tcp')
    if (protocol === 'ws:' && pathname === '/' && search === '') return endpoint
    throw new NodeError(
      'FLATEND_NODE_ADDRESS',
      `bindAddrs "${text}" cannot be listened on: write ws://host:port, and have a proxy end TLS and paths`,
    )
  })
}

/** Nodes tell each other addresses of TCP alone. */
function publicEndpoint(publicAddr: string | undefined): Endpoint | undefined {
  if (publicAddr === undefined) return undefined
  const endpoint = parseAddress(publicAddr, 'publicAddr')
  if (endpoint.url === undefined) return endpoint
  throw new NodeError(
    'FLATEND_NODE_ADDRESS',
    `publicAddr "${publicAddr}" is told to others, who dial host:port: name ws:// in bindAddrs`,
  )
}

/**
 * The address others are told: `publicAddr`, else the first bound one that is not a wildcard. A
 * wildcard is advertised nowhere: nobody could dial it.
 * @throws NodeError `FLATEND_NODE_ADDRESS` where the public host name cannot be resolved.
 */
export async function advertisedAddress(
  { publicAddr }: NodeOptions,
  bound: readonly Endpoint[],
): Promise<Address | undefined> {
  const tcp = bound.filter(({ url }) => url === undefined)
  const own = publicEndpoint(publicAddr)
  if (!own) return tcp.find(({ host }) => !isWildcard(host))
  const { host, port } = own
  if (isWildcard(host)) return undefined
  return await toIp({ host, port: port === 0 ? (tcp[0]?.port ?? 0) : port })
}

/** Seeds as the layers below take them; `:9000` is this machine. */
export function normalizeSeeds(addrs: readonly string[]): string[] {
  return addrs.map((text) => {
    const endpoint = parseAddress(text, 'addrs')
    const { host, port, url } = endpoint
    if (port === 0)
      throw new NodeError('FLATEND_NODE_ADDRESS', `addrs "${text}": port 0 cannot be dialed`)
    if (url !== undefined) return formatEndpoint(endpoint)
    return formatAddress({ host: isWildcard(host) ? '127.0.0.1' : host, port })
  })
}

/** A hello carries an IP: a public host name is resolved once, at start. */
async function toIp({ host, port }: Address): Promise<Address> {
  if (isIP(host) !== 0) return { host, port }
  try {
    const { address } = await lookup(host)
    return { host: address, port }
  } catch (error) {
    throw new NodeError(
      'FLATEND_NODE_ADDRESS',
      `the public host name "${host}" cannot be resolved (${(error as NodeJS.ErrnoException).code}): give an IP, or repair DNS`,
      error,
    )
  }
}
