/**
 * Links, networks and time in memory, for tests and simulations: nothing happens before the virtual
 * clock is told to pass, and the same seed gives the same run.
 *
 * @packageDocumentation
 */
export type { DialSignal } from '../ports.ts'
export { MemoryLink, type WireOptions } from './memory-link.ts'
export {
  createLinkPair,
  createMemoryNetwork,
  type MemoryDialOptions,
  type MemoryListener,
  type MemoryListenOptions,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from './memory-network.ts'
export {
  type ChannelPair,
  createChannelPair,
  type Heard,
  type PairOptions,
  type PairSide,
  type Side,
} from './pair.ts'
export { seededRandom } from './random.ts'
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
