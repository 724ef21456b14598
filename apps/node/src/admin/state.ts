import {
  type CertificateState,
  type Gateway,
  type RequestMetrics,
  type RouteCounts,
  STATUS_CLASSES,
} from '@flatend/gateway'
import type { MeshStats } from '../mesh-parts.ts'
import type { Node } from '../node.ts'
import type { LoopDelay, LoopDelayMeter } from './loop-delay.ts'
import type { Readiness } from './readiness.ts'
import type { ReloadState } from './reloads.ts'

/** Peers told one by one; a mesh may have thousands. */
const MAX_PEERS = 200

/** Everything the admin listener shows: one reading of all counters. */
export interface GatewayState {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly now: number
  readonly node: { readonly id: string; readonly address: string | undefined }
  readonly listeners: readonly { readonly address: string; readonly driver: string }[]
  readonly readiness: Readiness
  readonly inFlight: number
  readonly routes: readonly RouteState[]
  /** Clients turned away without a request, by reason. */
  readonly refused: Readonly<Record<string, number>>
  readonly services: readonly { readonly name: string; readonly providers: number }[]
  readonly peers: {
    readonly count: number
    readonly legacy: number
    /** At most 200. */
    readonly list: readonly PeerState[]
  }
  readonly mesh: MeshStats
  readonly certificates: readonly CertificateState[]
  readonly reloads: ReloadState
  readonly loopDelay: LoopDelay
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
  /** Of the process, since it began. */
  readonly cpuSeconds: number
}

interface PeerState {
  readonly id: string
  readonly address: string | undefined
  readonly version: 1 | 2
  readonly outbound: boolean
  readonly services: readonly string[]
}

/** One route, as counted since the start. */
interface RouteState {
  readonly method: string
  /** Empty: what no route matches. */
  readonly path: string
  readonly services: readonly string[]
  readonly statuses: Readonly<Record<string, number>>
  readonly count: number
  readonly sumMs: number
  /** Not cumulative; bounds as `/metrics` has them. */
  readonly buckets: readonly number[]
  readonly requestBytes: number
  readonly responseBytes: number
  readonly aborted: number
  readonly retries: number
  readonly calls: Readonly<Record<string, number>>
}

/** Where a state is read from. */
export interface StateSources {
  readonly version: string
  readonly startedAt: number
  readonly node: Node
  readonly gateway: Gateway
  readonly metrics: RequestMetrics
  readonly reloads: () => ReloadState
  readonly readiness: () => Readiness
  readonly loopDelay: LoopDelayMeter
}

/** Reads every counter once. */
export function readState(sources: StateSources): GatewayState {
  const { version, startedAt, node, gateway, metrics } = sources
  const { rss, heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    version,
    startedAt,
    now: Date.now(),
    node: { id: node.id.toString(), address: node.address },
    listeners: gateway.listeners.map(({ host, port, driver }) => ({
      address: `${host}:${port}`,
      driver: driver.capabilities.name,
    })),
    readiness: sources.readiness(),
    inFlight: gateway.inFlight,
    routes: metrics.routes.map(routeState),
    refused: Object.fromEntries(metrics.refusals),
    services: serviceStates(node, metrics),
    peers: peerStates(node),
    mesh: node.stats(),
    certificates: gateway.certificates(),
    reloads: sources.reloads(),
    loopDelay: sources.loopDelay.read(),
    memory: { rss, heapUsed, external },
    cpuSeconds: (user + system) / 1e6,
  }
}

function routeState(counts: RouteCounts): RouteState {
  const { labels, classes, durations } = counts
  const statuses = STATUS_CLASSES.map((name, index) => [name, classes[index] ?? 0] as const)
  return {
    ...labels,
    statuses: Object.fromEntries(statuses.filter(([, count]) => count > 0)),
    count: durations.count,
    sumMs: durations.sum,
    buckets: [...durations.counts],
    requestBytes: counts.requestBytes,
    responseBytes: counts.responseBytes,
    aborted: counts.aborted,
    retries: counts.retries,
    calls: Object.fromEntries(counts.calls),
  }
}

/** The services of the routes, whether somebody offers them or not. */
function serviceStates(node: Node, metrics: RequestMetrics): GatewayState['services'] {
  const names = new Set(metrics.routes.flatMap(({ labels }) => labels.services))
  return Array.from(names, (name) => ({ name, providers: node.providersFor([name]).length }))
}

function peerStates(node: Node): GatewayState['peers'] {
  const peers = node.peers()
  return {
    count: peers.length,
    legacy: peers.filter(({ version }) => version === 1).length,
    list: peers.slice(0, MAX_PEERS).map(({ id, address, version, outbound, services }) => ({
      id: id.toString(),
      address,
      version,
      outbound,
      services,
    })),
  }
}
