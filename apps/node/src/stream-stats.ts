import { addStats, type Connection, createStats, type RpcStats } from '@flatend/rpc'
import type { MeshStats } from './mesh-parts.ts'

/** What connections count, with what those that are gone counted. */
export function streamStats(
  past: Readonly<RpcStats>,
  peers: Iterable<{ readonly connection: Connection }>,
): Pick<MeshStats, 'streams' | 'openStreams'> {
  const streams = createStats()
  addStats(streams, past)
  let openStreams = 0
  for (const { connection } of peers) {
    addStats(streams, connection.stats)
    openStreams += connection.streams
  }
  return { streams, openStreams }
}
