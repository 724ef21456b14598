import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { DialTarget, DiscoveryLimits, Profile, Puzzles } from '@flatend/kademlia'
import type { AdmissionLimits, SessionLimits, Suite } from '@flatend/monte'
import type { RelayLimits } from '@flatend/monte/relay'
import type { RpcLimits } from '@flatend/rpc'
import type { AllowList, AuthorizePeer } from './access.ts'
import { formatAddress, formatEndpoint, isWildcard, parseAddress } from './address.ts'
import { NodeError } from './errors.ts'
import type { LanOptions } from './lan/lan-options.ts'
import { checkLan } from './lan/lan-sockets.ts'
import type { Logger } from './logger.ts'
import type { PeerCache } from './peer-cache.ts'
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
  /** What this node lends to others as a relay. */
  readonly relay?: Partial<RelayLimits>
}

/** Options of {@link Node.start}. Every one may be left out. */
export interface NodeOptions {
  /** `host:port` at which others reach this node. Without it, the first of `bindAddrs` that is not a wildcard. */
  readonly publicAddr?: string
  /** Addresses to take connections on: `host:port`, `[IPv6]:port`, or `:port` for all interfaces; `ws://host:port` for WebSockets, which may come through a proxy. @default publicAddr, where given */
  readonly bindAddrs?: readonly string[]
  /**
   * Nodes to join the mesh through, host names or IPs, or `ws://…` and `wss://…`. They may be down:
   * the node tries for ever. `KEY@host:port` says which public key, 64 hex digits, must answer there.
   */
  readonly addrs?: readonly string[]
  /**
   * Where the nodes met are kept for the next start, which tries them ahead of `addrs`: the path of a
   * file, or a store of your own. @default nowhere
   */
  readonly peerCache?: string | PeerCache
  /**
   * Announce this node to others of the same network on the local network, and join those that do, by
   * IPv4 multicast. What is said there anybody on the cable can read and forge; a session proves the
   * rest. @default false
   */
  readonly lan?: boolean | LanOptions
  /** Ed25519 identity, 32 or 64 bytes, see {@link generateSecretKey}. @default a new one for this process */
  readonly secretKey?: Uint8Array
  /** Functions by the name of their service. */
  readonly services?: Readonly<Record<string, Handler>> | ReadonlyMap<string, Handler>
  /** Speak the 2020 protocol too. It is weak: see SECURITY.md. @default false */
  readonly legacy?: boolean
  /** Name of the mesh; nodes of other names cannot connect. @default '' */
  readonly network?: string
  /**
   * Whom this node expects to meet. In the `open` one, where anybody may join, lookups go over 4
   * disjoint paths, services are believed from 3 holders of records on, and few nodes of one public
   * network (/24, /48) are taken. @default 'trusted'
   */
  readonly profile?: Profile
  /** What an id of this network costs; the same for all its nodes. @default nothing */
  readonly puzzles?: Puzzles
  /** 32 random bytes that all nodes of a private mesh share. */
  readonly networkKey?: Uint8Array
  /** Told to peers in the hello: `zone`, `version` and the like. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Asked before a session opens and before each call, in both directions. @default all may do everything */
  readonly authorize?: AuthorizePeer
  /** Keys that may connect, and that may call or answer a service; asked before `authorize`. @default all */
  readonly allow?: AllowList
  /**
   * Carry bytes between nodes that cannot reach each other, which this node cannot read. @default
   * where it has an address
   */
  readonly relay?: boolean
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
  /**
   * Traces by OpenTelemetry: spans of calls, handlers and requests, where `@opentelemetry/api` is
   * installed; without an SDK they cost nearly nothing. `false` makes none. @default true
   */
  readonly telemetry?: boolean
  /** How connections are made. @default TCP, and WebSockets for addresses with `ws://` or `wss://` */
  readonly transport?: Transport
  /** Cryptography. @default node:crypto */
  readonly suite?: Suite
  /** @default real time */
  readonly clock?: Clock
  /** Numbers in [0, 1) for jitter and balancing. @default Math.random */
  readonly random?: () => number
  /**
   * Runs a task that sends what was gathered until then: later is fewer packets. A node that calls for
   * many connections, such as a gateway, saves half by `setImmediate`. @default the end of the tick
   */
  readonly defer?: (task: () => void) => void
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

/** @throws NodeError `FLATEND_NODE_LAN` where an option cannot be used */
export function lanOptions({ lan = false }: NodeOptions): LanOptions | undefined {
  if (lan === false) return undefined
  const options = lan === true ? {} : lan
  checkLan(options)
  return options
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

/** Seeds as the layers below take them; `:9000` is this machine, `KEY@…` says who must answer. */
export function normalizeSeeds(addrs: readonly string[]): DialTarget[] {
  return addrs.map((text) => {
    const { key, address } = splitKey(text)
    return { address: normalizeSeed(address), ...(key ? { key } : {}) }
  })
}

/** `<64 hex digits>@host:port` in its parts; without a key it is an address alone. */
export function splitKey(text: string): { readonly key?: Uint8Array; readonly address: string } {
  const [, hex, address] = /^\s*([0-9a-f]*)@(.*)$/is.exec(text) ?? []
  if (hex === undefined || address === undefined) return { address: text }
  if (hex.length === 64) return { key: new Uint8Array(Buffer.from(hex, 'hex')), address }
  throw new NodeError(
    'FLATEND_NODE_ADDRESS',
    `addrs "${text}": before the @ stands the public key of the node, which has 64 hex digits`,
  )
}

function normalizeSeed(text: string): string {
  const endpoint = parseAddress(text, 'addrs')
  const { host, port, url } = endpoint
  if (port === 0)
    throw new NodeError('FLATEND_NODE_ADDRESS', `addrs "${text}": port 0 cannot be dialed`)
  if (url !== undefined) return formatEndpoint(endpoint)
  return formatAddress({ host: isWildcard(host) ? '127.0.0.1' : host, port })
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
