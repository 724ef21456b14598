import { LocalProtocolError } from '@flatend/wire'

/** How many connections a node takes (protocol §4), each an option. */
export interface AdmissionLimits {
  /** Connections to us whose handshake is not done, all together. @default 256 */
  readonly maxHalfOpen: number
  /** The same of one remote host. @default 16 */
  readonly maxHalfOpenPerHost: number
  /** New connections of one remote host to us, in one second; loopback is exempt. @default 20 */
  readonly connectionsPerSecond: number
  /** New connections of one remote host to us at once; loopback is exempt. @default 40 */
  readonly connectionBurst: number
  /** Connections all together, half-open and open, to us and from us. @default 4_096 */
  readonly maxConnections: number
  /** Open connections with one identity, to us and from us. @default 8 */
  readonly maxPerIdentity: number
  /**
   * Hosts whose rate is remembered, twice that at most. Who comes from more addresses than that
   * within a burst's time is held by the other limits alone. @default 4_096
   */
  readonly maxTrackedHosts: number
}

/** The values used unless told otherwise: protocol §4. */
export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxHalfOpen: 256,
  maxHalfOpenPerHost: 16,
  connectionsPerSecond: 20,
  connectionBurst: 40,
  maxConnections: 4_096,
  maxPerIdentity: 8,
  maxTrackedHosts: 4_096,
}

/** The defaults with `limits` in their place. */
export function admissionLimits(limits: Partial<AdmissionLimits> = {}): AdmissionLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_ADMISSION_LIMITS, name))
      throw unusable(`there is no limit "${name}" on connections`)
    if (!Number.isFinite(value) || value < 1)
      throw unusable(`limit ${name} is ${value}: use a number from 1 on`)
  }
  return { ...DEFAULT_ADMISSION_LIMITS, ...limits }
}

function unusable(message: string): LocalProtocolError {
  return new LocalProtocolError('FLATEND_MONTE_LIMIT', message)
}
