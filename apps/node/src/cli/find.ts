import type { FoundProvider } from '../find-providers.ts'
import type { Node } from '../node.ts'
import { withNode } from './joined.ts'
import { duration, table } from './table.ts'
import { meshHelpOfClient, meshOptions, parseOptions, UsageError } from './usage.ts'

const HELP = `Usage: flatend find NAME [options]

Looks for the nodes that offer a service, all over the mesh: public key, addresses, whether they are
reached directly or by a relay, age of what they signed, and, where it was connected to, round trip.
Exit status 1 if there are none.

      --json                 an array of objects instead of a table
${meshHelpOfClient}
`

/** `flatend find`. */
export async function findCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend find', args, {
    ...meshOptions,
    json: { type: 'boolean' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const [service, ...more] = positionals
  if (service === undefined || more.length > 0)
    throw new UsageError('find takes one name\nRun "flatend find --help" for the options.')
  return await withNode(values, async (node) => {
    const rows = await providerRows(node, service)
    process.stdout.write(
      values.json ? `${JSON.stringify(rows, undefined, 2)}\n` : providerTable(rows),
    )
    if (rows.length > 0) return 0
    process.stderr.write(`flatend: nobody offers "${service}" in this mesh\n`)
    return 1
  })
}

/** A provider, as it is shown. */
export interface ProviderRow {
  readonly key: string
  readonly addresses: readonly string[]
  readonly relays: readonly string[]
  readonly way: 'direct' | 'relayed' | 'connection'
  readonly ageMs: number | null
  readonly rttMs: number | null
}

/** All providers of a service, by key; the round trip to those connected is measured. */
export async function providerRows(node: Node, service: string): Promise<ProviderRow[]> {
  // Connects some, so that there are round trips to measure.
  await node.resolve(service)
  const found = await node.find(service)
  const rows = await Promise.all(found.map((provider) => toRow(node, provider)))
  return rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

async function toRow(
  node: Node,
  { id, addresses, relayed, ageMs }: FoundProvider,
): Promise<ProviderRow> {
  const direct = addresses.filter(({ relay }) => relay === undefined)
  const relays = addresses.filter(({ relay }) => relay !== undefined)
  return {
    key: id.toString(),
    addresses: direct.map(({ address }) => address),
    relays: relays.map(({ address, relay }) => `${relay}@${address}`),
    // Who has no address at all is called over the connection it made.
    way: relayed ? 'relayed' : direct.length > 0 ? 'direct' : 'connection',
    ageMs: ageMs ?? null,
    rttMs: (await node.ping(id)) ?? null,
  }
}

/** The same as lines. */
export function providerTable(rows: readonly ProviderRow[]): string {
  if (rows.length === 0) return ''
  return table([
    ['KEY', 'ADDRESSES', 'WAY', 'AGE', 'ROUND TRIP'],
    ...rows.map(({ key, addresses, relays, way, ageMs, rttMs }) => [
      key || 'anonymous',
      [...addresses, ...relays].join(' ') || '-',
      way,
      duration(ageMs ?? undefined),
      duration(rttMs ?? undefined),
    ]),
  ])
}
