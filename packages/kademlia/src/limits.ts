/** Limits and times of discovery, each an option. */
export interface DiscoveryLimits {
  /** Up to so many connections every node named is dialed (discovery §1). @default 64 */
  readonly maxFullMesh: number
  /** Addresses kept connected at a time. @default 256 */
  readonly maxDialers: number
  /** Dials under way at a time that only show whether a node can be dialed. @default 16 */
  readonly maxProbes: number
  /** One dial, handshake included, in milliseconds. @default 10_000 */
  readonly dialTimeoutMs: number
  /** A node that is no seed is dialed no more after failing this long, in milliseconds. @default 300_000 */
  readonly giveUpMs: number
  /** How long a seed's peers may take to be named, for `ready`, in milliseconds. @default 50 */
  readonly settleMs: number
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
  maxDialers: 256,
  maxProbes: 16,
  dialTimeoutMs: 10_000,
  giveUpMs: 300_000,
  settleMs: 50,
  refreshMs: 300_000,
  probeMs: 600_000,
  maxAnswered: 256,
}
