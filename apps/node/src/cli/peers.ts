import type { Node } from '../node.ts'
import type { PeerInfo } from '../peer-info.ts'
import { expectNoMore, withNode } from './joined.ts'
import { duration, table } from './table.ts'
import { meshHelpOfClient, meshOptions, parseOptions } from './usage.ts'

const HELP = `Usage: flatend peers [options]

Joins the mesh and lists the nodes it is connected to then: public key, the address each advertises,
version of the protocol, round trip and services. Exit status 1 if nobody could be joined.

      --json                 an array of objects instead of a table
${meshHelpOfClient}
`

/** `flatend peers`. */
export async function peersCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend peers', args, {
    ...meshOptions,
    json: { type: 'boolean' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  expectNoMore(positionals, 'peers')
  return await withNode(values, async (node) => {
    const peers = await peerRows(node)
    process.stdout.write(
      values.json ? `${JSON.stringify(peers, undefined, 2)}\n` : peerTable(peers),
    )
    return 0
  })
}

/** A connected node, as it is shown. */
export interface PeerRow {
  readonly key: string
  readonly address: string | null
  readonly version: 1 | 2
  readonly rttMs: number | null
  readonly services: readonly string[]
}

/** The nodes this one is connected to, by key; the round trip to each is measured. */
export async function peerRows(node: Node): Promise<PeerRow[]> {
  const peers = await Promise.all(node.peers().map((peer) => measured(node, peer)))
  return peers.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

async function measured(node: Node, peer: PeerInfo): Promise<PeerRow> {
  const { id, address = null, version, services } = peer
  const rttMs = (await node.ping(id)) ?? null
  return { key: id.toString(), address, version, rttMs, services: services.toSorted() }
}

/** The same as lines. */
export function peerTable(peers: readonly PeerRow[]): string {
  return table([
    ['KEY', 'ADDRESS', 'VERSION', 'ROUND TRIP', 'SERVICES'],
    ...peers.map(({ key, address, version, rttMs, services }) => [
      key || 'anonymous',
      address ?? '-',
      String(version),
      duration(rttMs ?? undefined),
      services.join(' ') || '-',
    ]),
  ])
}
