import type { Discovery } from '@flatend/kademlia'
import type { Connection } from '@flatend/rpc'
import type { MeshPeer } from './mesh-peer.ts'

/** What {@link KeyedCalls} works with. */
export interface KeyedCallsOptions {
  readonly discovery: Discovery
  /** Calls of this node to itself. */
  readonly local: Connection
  readonly mayCall: (peer: MeshPeer) => boolean
}

/** Which connections calls of one key belong to. */
export class KeyedCalls {
  readonly #options: KeyedCallsOptions

  constructor(options: KeyedCallsOptions) {
    this.#options = options
  }

  /** Of the first service that anybody offers; `undefined` where the first is not connected or known. */
  keyed(services: readonly string[], key: string | Uint8Array): readonly Connection[] | undefined {
    const { discovery, mayCall } = this.#options
    for (const service of services) {
      const ranked = discovery.keyed(service, key)
      if (!ranked) return undefined
      if (ranked.length === 0) continue
      const connections: Connection[] = []
      for (const provider of ranked) {
        // Nobody behind one that is to be connected first has its turn yet.
        if (provider === 'distant') break
        if (provider === 'self' || mayCall(provider as MeshPeer))
          connections.push(this.#connectionOf(provider as MeshPeer | 'self'))
      }
      return connections.length > 0 ? connections : undefined
    }
    return []
  }

  /** Connects the first that is eligible. */
  async find(
    services: readonly string[],
    key: string | Uint8Array,
    isEligible: (connection: Connection) => boolean,
  ): Promise<void> {
    const { discovery, mayCall } = this.#options
    const isRefused = (provider: MeshPeer | 'self'): boolean =>
      (provider !== 'self' && !mayCall(provider)) || !isEligible(this.#connectionOf(provider))
    for (const service of services) {
      await discovery.findKeyed(service, key, (one) => isRefused(one as MeshPeer | 'self'))
      if ((discovery.keyed(service, key) ?? []).length > 0) return
    }
  }

  #connectionOf(provider: MeshPeer | 'self'): Connection {
    return provider === 'self' ? this.#options.local : provider.connection
  }
}
