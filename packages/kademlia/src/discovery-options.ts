import type { Address } from './contact.ts'
import type { DiscoveryEvent } from './events.ts'
import type { DiscoveryLimits } from './limits.ts'
import type { Clock, Network } from './ports.ts'
import type { RecordsOptions } from './record.ts'

/** Options of `createDiscovery`. */
export interface DiscoveryOptions {
  readonly self: { readonly key: Uint8Array; readonly address?: Address }
  readonly network: Network
  readonly clock: Clock
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** `host:port` of nodes to join through. */
  readonly seeds?: readonly string[]
  /** Services offered at the start, which every hello names. */
  readonly services?: readonly string[]
  /**
   * With these, services are published as signed records and found by them, and records of others
   * are kept. @default only services of connected peers are known
   */
  readonly records?: RecordsOptions
  readonly limits?: Partial<DiscoveryLimits>
  readonly log?: (event: DiscoveryEvent) => void
}
