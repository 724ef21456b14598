/** What a relay lends to others. */
export interface RelayLimits {
  /** Nodes that may be reached through this one. @default 256 */
  readonly maxReservations: number
  /** Longest promise, in seconds; it may be renewed. @default 3_600 */
  readonly reservationSeconds: number
  /** Circuits at a time, in all. @default 1_024 */
  readonly maxCircuits: number
  /** Circuits of one connection: each may have 128 KiB under way each direction. @default 32 */
  readonly maxCircuitsPerPeer: number
  /** Bytes a circuit carries, both directions together. @default 16 GiB */
  readonly maxCircuitBytes: number
  /** How long one is open, in milliseconds. @default 86_400_000 (a day) */
  readonly maxCircuitMs: number
}

/** The values used unless told otherwise. */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  maxReservations: 256,
  reservationSeconds: 3_600,
  maxCircuits: 1_024,
  maxCircuitsPerPeer: 32,
  maxCircuitBytes: 2 ** 34,
  maxCircuitMs: 86_400_000,
}
