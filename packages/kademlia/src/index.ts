/**
 * Who is there: ids and the XOR metric, the routing table, lookups, and membership of a mesh. No IO:
 * network, clock and randomness are arguments.
 *
 * @example
 * ```ts
 * import { RoutingTable } from '@flatend/kademlia'
 *
 * const self = new Uint8Array(32)
 * const table = new RoutingTable(self)
 * const key = new Uint8Array(32).fill(7)
 * table.seen({ key, address: { host: '10.0.0.7', port: 9000 }, capabilities: 1 })
 * table.closest(key, 20) // the contact
 * ```
 *
 * @packageDocumentation
 */

export { AddressLimits, hasRoomFor, networkOf } from './address-limits.ts'
export { PEERS, type PeersPage, readPeersPage } from './codec.ts'
export { type Address, CAPABILITY, type Contact, isDialable } from './contact.ts'
export { DialBack, type DialBackContext, type Prove } from './dial-back.ts'
export {
  DIAL_BACK,
  type DialBackAnswer,
  readDialBackAnswer,
  writeDialBack,
} from './dial-back-codec.ts'
export { createDiscovery } from './discovery.ts'
export type { Discovery, DiscoveryOptions } from './discovery-types.ts'
export type { DialFailure, DiscoveryEvent, PeerChange } from './events.ts'
export { commonPrefix, compareDistance, compareIds, ID_BITS, ID_LENGTH, toHex } from './id.ts'
export type { Ranked } from './keyed-providers.ts'
export { DEFAULT_DISCOVERY_LIMITS, type DiscoveryLimits } from './limits.ts'
export { Lookup, type LookupOptions } from './lookup.ts'
export type { IncomingMessage } from './messages.ts'
export type { Clock, DialTarget, Network, Peer, Timer } from './ports.ts'
export { PROFILES, type Profile, type ProfileRules } from './profile.ts'
export {
  MAX_PUZZLE_BITS,
  type Puzzles,
  solveDynamic,
  solvesDynamic,
  solvesStatic,
} from './puzzles.ts'
export {
  Reachability,
  type ReachabilityContext,
  type ReachabilityListener,
  type ReachabilityState,
  type ReachabilityStatus,
} from './reachability.ts'
export {
  MAX_RECORD,
  type ProviderRecord,
  type RecordAddress,
  type RecordsOptions,
  readRecord,
  type SignedRecord,
  type Signer,
  serviceKey,
  signRecord,
  verifyRecord,
} from './record.ts'
export type { RecordStats } from './record-stats.ts'
export {
  PUT_STATUS,
  type PutOptions,
  type PutResult,
  RecordStore,
  type RecordStoreLimits,
  type RecordStoreOptions,
} from './record-store.ts'
export type { CallKey } from './rendezvous.ts'
export {
  BUCKET_SIZE,
  type Insertion,
  RoutingTable,
  type RoutingTableOptions,
  SIBLINGS,
} from './routing-table.ts'
export type { ProvidersListener } from './service-listeners.ts'
export type { SuggestOptions } from './suggestions.ts'
