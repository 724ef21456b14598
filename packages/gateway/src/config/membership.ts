import type { Section } from './section.ts'
import type { SourcePosition } from './types.ts'

/** What the mesh node needs to belong to its mesh. */
export interface MembershipConfig {
  /** 64 hex digits that all nodes of a private mesh share. */
  readonly networkKey: string | undefined
  readonly networkKeyFile: string | undefined
  readonly networkKeyFileWhere: SourcePosition
  /** Zero bits that ids of the mesh must have worked for, 0 to 24 each. */
  readonly puzzles: { readonly static: number; readonly dynamic: number } | undefined
}

/** What 2^bits hashes can be waited for (docs/discovery.md §1). */
const MAX_BITS = 24
const BITS_ALLOWED = `a whole number from 0 to ${MAX_BITS}`

/** Reads `network_key`, `network_key_file` and `[puzzles]`. */
export function readMembership(section: Section): MembershipConfig {
  const key = section.filled('network_key')
  if (key && !/^[0-9a-f]{64}$/i.test(key.value)) {
    // Not the value: it is a secret, and problems are logged.
    section.errorAt(key.at, 'network_key', {
      message: 'is no key of a network',
      allowed: '64 hex digits, as "flatend keygen --network" makes them',
    })
  }
  const file = section.filled('network_key_file')
  if (section.has('network_key') && section.has('network_key_file')) {
    section.error('network_key_file', 'stands beside network_key', 'only one of the two')
  }
  return {
    networkKey: key?.value.toLowerCase(),
    networkKeyFile: file?.value,
    networkKeyFileWhere: section.where('network_key_file'),
    puzzles: readPuzzles(section.table('puzzles')),
  }
}

function readPuzzles(section: Section | undefined): MembershipConfig['puzzles'] {
  if (!section) return undefined
  const bits = (key: string): number => {
    const value = section.size(key) ?? 0
    if (value > MAX_BITS) section.error(key, `${value} bits are too many`, BITS_ALLOWED)
    return value
  }
  const puzzles = { static: bits('static'), dynamic: bits('dynamic') }
  section.finish()
  return puzzles
}
