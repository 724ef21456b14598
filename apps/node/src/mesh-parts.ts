import type {
  DialTarget,
  Discovery,
  DiscoveryOptions,
  PeerChange,
  Profile,
  Puzzles,
} from '@flatend/kademlia'
import type { AdmissionMetrics, Identity, Suite } from '@flatend/monte'
import type { RelayMetrics } from '@flatend/monte/relay'
import type { CallerStats, Dispatch, RpcStats } from '@flatend/rpc'
import type { AllowList, AuthorizePeer } from './access.ts'
import type { LanOptions } from './lan/lan-options.ts'
import type { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import type { NodeLimits } from './options.ts'
import type { PeerCache } from './peer-cache.ts'
import type { Clock } from './runtime.ts'
import type { Address, Transport } from './transport.ts'

/** What a mesh is made of. */
export interface MeshOptions {
  readonly suite: Suite
  readonly identity: Identity
  /** The key was made for this process alone. */
  readonly ephemeral: boolean
  /** Address others may dial, where there is one. */
  readonly address: Address | undefined
  readonly seeds: readonly (string | DialTarget)[]
  readonly transport: Transport
  /** Open already; their links come to {@link Mesh.accept}. */
  readonly listeners: Listeners
  readonly legacy: boolean
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly metadata: readonly string[]
  readonly limits: NodeLimits
  /** Carry bytes between nodes that cannot reach each other. */
  readonly relay: boolean
  readonly authorize: AuthorizePeer | undefined
  readonly allow: AllowList | undefined
  readonly profile?: Profile | undefined
  readonly puzzles?: Puzzles | undefined
  readonly clock: Clock
  readonly random: () => number
  /** Runs a task when the current tick's work is done. */
  readonly defer: (task: () => void) => void
  readonly dispatch: Dispatch
  /** Names of the services this node offers, as they are now. */
  readonly services: () => readonly string[]
  readonly offers: (service: string) => boolean
  /** Where nodes are kept for the next start. @default nowhere */
  readonly peerCache?: PeerCache | undefined
  /** Look for nodes on the local network. @default not */
  readonly lan?: LanOptions | undefined
  readonly log: Logger
  /** Told who joined, left, or offers something else. */
  readonly onPeer?: (change: PeerChange) => void
  /** Who keeps the node connected. @default createDiscovery */
  readonly discover?: (options: DiscoveryOptions) => Discovery
}

/** What happened so far: numbers that only grow, but for those of `connections` that say what is. */
export interface MeshStats {
  /** Connections there are, and those refused, by the limit that was reached. */
  readonly connections: AdmissionMetrics
  /** What this node carries for others, as a relay. */
  readonly relay: RelayMetrics
  /** Calls over all connections, and what peers did wrong. */
  readonly streams: Readonly<RpcStats>
  /** Calls under way over connections, made and received. */
  readonly openStreams: number
  /** Calls of this node, its own services included. */
  readonly calls: Readonly<CallerStats>
}
