/**
 * Nodes that nobody can dial are reached through others: a circuit over a relay is a `Link`, and the
 * session inside is the ordinary one, so that the relay carries what it cannot read.
 *
 * @packageDocumentation
 */
export type { RelayPeer } from './circuit-table.ts'
export {
  type Circuits,
  type CircuitsOptions,
  createCircuits,
  type RelayMessage,
} from './circuits.ts'
export { DEFAULT_RELAY_LIMITS, type RelayLimits } from './limits.ts'
export type { Reservation } from './messages.ts'
export type { RelayMetrics } from './relay.ts'
export { RelayError } from './relay-error.ts'
export { Reservations, type ReservationsOptions } from './reservations.ts'
