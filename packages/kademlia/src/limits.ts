/** Limits and times of discovery, each an option. */
export interface DiscoveryLimits {
  /** Up to so many connections every node named is dialed (discovery §1). @default 64 */
  readonly maxFullMesh: number
  /** In a larger mesh, connections that this node made kept open though nothing happens on them. @default 256 */
  readonly maxWarm: number
  /** There, one that is not needed is closed after so long without a call, in milliseconds. @default 120_000 */
  readonly idleMs: number
  /** Addresses kept connected at a time. @default 256 */
  readonly maxDialers: number
  /** Of these, addresses that one peer named and where nobody has answered yet. @default 16 */
  readonly maxNamedDialers: number
  /** Dials under way at a time that only show whether a node can be dialed. @default 16 */
  readonly maxProbes: number
  /** One dial, handshake included, in milliseconds. @default 10_000 */
  readonly dialTimeoutMs: number
  /** A node that is no seed is dialed no more after failing this long, in milliseconds. @default 300_000 */
  readonly giveUpMs: number
  /** The same where nobody ever answered, in milliseconds. @default 15_000 */
  readonly giveUpUnreachedMs: number
  /** How long a seed's peers may take to be named, for `ready`, in milliseconds. @default 50 */
  readonly settleMs: number
  /**
   * Messages a peer may send at once, by weight: 1, and 1 more for each KiB and name of a service;
   * FIND_NODE weighs 16, PEERS and LEAVE 128. Calls are not counted here. All services a node may
   * offer can be exchanged for others at once. @default 16_384
   */
  readonly messageBurst: number
  /** The same for ever, in a second. @default 1_024 */
  readonly messagesPerSecond: number
  /** Between two searches for ourselves, in milliseconds; 0 searches for nobody. @default 300_000 */
  readonly refreshMs: number
  /** Each contact without a connection is dialed once in so long, in milliseconds; 0 dials none. @default 600_000 */
  readonly probeMs: number
  /** v1 targets remembered for a connection. @default 256 */
  readonly maxAnswered: number
}

/** The values used unless told otherwise. */
export const DEFAULT_DISCOVERY_LIMITS: DiscoveryLimits = {
  maxFullMesh: 64,
  maxWarm: 256,
  idleMs: 120_000,
  maxDialers: 256,
  maxNamedDialers: 16,
  maxProbes: 16,
  dialTimeoutMs: 10_000,
  giveUpMs: 300_000,
  giveUpUnreachedMs: 15_000,
  settleMs: 50,
  messageBurst: 16_384,
  messagesPerSecond: 1_024,
  refreshMs: 300_000,
  probeMs: 600_000,
  maxAnswered: 256,
}
