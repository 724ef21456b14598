import type { Address } from './transport.ts'

/** A node that answered at its address, with its key. */
export interface CachedPeer {
  /** 32-byte public key. */
  readonly key: Uint8Array
  readonly address: Address
  /** When it was known to be there last, in milliseconds since 1970. */
  readonly seen: number
}

/** Where a node keeps whom it knew, from one run to the next. */
export interface PeerCache {
  /** Whom the last run knew; none where nothing can be read. Never rejects. */
  load(): Promise<readonly CachedPeer[]>
  /** Replaces what is kept. Never rejects: what cannot be kept is told in the log. */
  save(peers: readonly CachedPeer[]): Promise<void>
}
