import { formatAddress } from './address.ts'
import type { MeshPeer } from './mesh-peer.ts'

/** What log lines say of a peer. */
export function describe(peer: MeshPeer): object {
  const { remote } = peer.channel
  return {
    peer: peer.id.toString().slice(0, 16) || 'anonymous',
    remote: remote ? formatAddress(remote) : (peer.dialed ?? 'unknown'),
    version: peer.version,
  }
}
