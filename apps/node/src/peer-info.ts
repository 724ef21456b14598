import { formatAddress } from './address.ts'
import type { MeshPeer } from './mesh-peer.ts'
import type { PeerId } from './peer-id.ts'

/** A connected node, as {@link Node.peers} lists it. */
export interface PeerInfo {
  readonly id: PeerId
  /** `host:port` it advertises, or `undefined`. */
  readonly address: string | undefined
  /** Session version: 2, or 1 for the 2020 protocol. */
  readonly version: 1 | 2
  /** Whether this node dialed it. */
  readonly outbound: boolean
  /** Whether a relay is in between, which carries what it cannot read. */
  readonly relayed: boolean
  readonly services: readonly string[]
}

/** What there is to say of a peer that offers these services. */
export function peerInfo(peer: MeshPeer, services: readonly string[]): PeerInfo {
  return {
    id: peer.id,
    address: peer.address ? formatAddress(peer.address) : undefined,
    version: peer.version,
    outbound: peer.dialed !== undefined,
    relayed: peer.relayed,
    services: [...services],
  }
}

/**
 * One peer for each node: two that dial each other have two connections until one is given up. Peers
 * without a key, of the protocol of 2020, may be anybody.
 */
export function distinct(peers: Iterable<MeshPeer>): Iterable<MeshPeer> {
  const found = new Map<MeshPeer | string, MeshPeer>()
  for (const peer of peers) {
    const { id } = peer
    found.set(id.publicKey.length === 0 ? peer : id.toString(), peer)
  }
  return found.values()
}
