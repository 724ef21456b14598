import type { Address, Contact } from './contact.ts'
import type { DiscoveryEvent, PeerChange } from './events.ts'
import type { Ranked } from './keyed-providers.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { LookupRunOptions } from './lookup-run.ts'
import type { IncomingMessage } from './messages.ts'
import type { Clock, DialTarget, Network, Peer } from './ports.ts'
import type { Profile } from './profile.ts'
import type { Puzzles } from './puzzles.ts'
import type { RecordAddress, RecordsOptions, SignedRecord } from './record.ts'
import type { RecordStats } from './record-stats.ts'
import type { CallKey } from './rendezvous.ts'
import type { RoutingTable } from './routing-table.ts'
import type { ProvidersListener } from './service-listeners.ts'
import type { SuggestOptions } from './suggestions.ts'

/** Options of `createDiscovery`. */
export interface DiscoveryOptions {
  readonly self: { readonly key: Uint8Array; readonly address?: Address }
  readonly network: Network
  readonly clock: Clock
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Nodes to join through, each `host:port`, and the key it must prove where one is known. */
  readonly seeds?: readonly (string | DialTarget)[]
  /** Services offered at the start, which every hello names. */
  readonly services?: readonly string[]
  /**
   * With these, services are published as signed records and found by them, and records of others
   * are kept. @default only services of connected peers are known
   */
  readonly records?: RecordsOptions
  readonly limits?: Partial<DiscoveryLimits>
  /** Whom this node expects to meet. @default 'trusted' */
  readonly profile?: Profile
  /** Nodes that do not solve these come into no table; needs `records`. @default none */
  readonly puzzles?: Puzzles
  readonly log?: (event: DiscoveryEvent) => void
  /**
   * Told, once it is so, that a node joined, left, or offers something else. Another connection to
   * the same node is no change.
   */
  readonly onPeer?: (change: PeerChange) => void
}

/** Knows which nodes there are, keeps connected to them, and which of them offer what. */
export interface Discovery {
  readonly table: RoutingTable
  /** Resolves when each seed was dialed once, and the peers these named too. */
  readonly ready: Promise<void>
  start(): void
  /** Says goodbye and dials nobody any more. */
  stop(): void
  /** A session opened. */
  connected(peer: Peer): void
  /** It takes no more calls, and ends soon: whom it leads to is called over another, or looked for. */
  retiring(peer: Peer): void
  /** It ended. */
  disconnected(peer: Peer): void
  /**
   * A message of a peer. Returns false where its opcode is not of this layer.
   * @throws RemoteProtocolError where the peer broke the rules: end the connection
   */
  receive(peer: Peer, message: IncomingMessage): boolean
  /** Peers that offer a service; the list is replaced, never changed. */
  providers(service: string): readonly Peer[]
  servicesOf(peer: Peer): readonly string[]
  /** What became of records; `undefined` where this node does without. */
  readonly recordStats: Readonly<RecordStats> | undefined
  /**
   * Connected providers of a service, found by their records and dialed where none is connected; none
   * where there are none. Rejects with the signal's reason only.
   */
  resolve(service: string, options: { readonly signal: AbortSignal }): Promise<readonly Peer[]>
  /**
   * Providers of a service, the one calls with this key belong to first: the nearest to the key by
   * hashed distance, of all that are known (discovery §4). `undefined` where that is not known yet, or
   * this node does without records: see {@link Discovery.findKeyed}.
   */
  keyed(service: string, key: CallKey): readonly Ranked[] | undefined
  /**
   * Finds out who there is, and connects the provider nearest to a key of those not refused; the next,
   * where it cannot be reached. Never rejects.
   */
  findKeyed(
    service: string,
    key: CallKey,
    isRefused: (provider: Peer | 'self') => boolean,
  ): Promise<void>
  /** Tells each time the connected providers of a service change, and looks for some. Returns how to end it. */
  watch(service: string, listener: ProvidersListener): () => void
  /** The records of a service, of providers connected or not; none where this node does without. */
  findRecords(service: string): Promise<readonly SignedRecord[]>
  /** What this node offers now; peers are told what changed. */
  setServices(services: readonly string[]): void
  /**
   * Where this node is reached, beside an address that it was given: of its own, or relays. Records
   * tell of them, as soon as there are any.
   */
  setReached(addresses: readonly RecordAddress[]): void
  /**
   * Addresses that may lead to nodes, `host:port` each: they are tried once, while nodes are wanted;
   * before the start, ahead of the seeds.
   */
  suggest(targets: readonly DialTarget[], options?: SuggestOptions): void
  /** The nodes nearest to a target that answered. */
  lookup(target: Uint8Array, options: LookupRunOptions): Promise<Contact[]>
}
