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
  /** One dial, handshake included, in milliseconds. @default 10_000 */
  readonly dialTimeoutMs: number
  /** A node that is no seed is dialed no more after failing this long, in milliseconds. @default 300_000 */
  readonly giveUpMs: number
  /** How long a seed's peers may take to be named, for `ready`, in milliseconds. @default 50 */
  readonly settleMs: number
  /** v1 targets remembered for a connection. @default 256 */
  readonly maxAnswered: number
}

/** The values used unless told otherwise. */
export const DEFAULT_DISCOVERY_LIMITS: DiscoveryLimits = {
  maxFullMesh: 64,
  maxWarm: 256,
  idleMs: 120_000,
  maxDialers: 256,
  dialTimeoutMs: 10_000,
  giveUpMs: 300_000,
  settleMs: 50,
  maxAnswered: 256,
}
