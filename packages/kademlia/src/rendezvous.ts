import { Writer } from '@flatend/wire'
import { compareDistance } from './id.ts'
import type { RecordsOptions } from './record.ts'

const KEYED = new TextEncoder().encode('flatend/key/1\0')

/** What a call is keyed by: text, which stands for its UTF-8, or bytes. */
export type CallKey = string | Uint8Array

/** Where a key stands among ids: BLAKE2b-256 of it behind a prefix (discovery §4). */
export function placeOfKey(key: CallKey, hash: RecordsOptions['hash']): Uint8Array {
  const writer = new Writer().bytes(KEYED)
  return hash((typeof key === 'string' ? writer.text(key) : writer.bytes(key)).copy())
}

/**
 * How far an id is from a place, as an unsigned number of 32 bits: their XOR distance, hashed. The
 * distance itself would give a provider whose id has no near neighbour many times the keys of one
 * that has; hashed, each has the same share, and still only keys of who comes or goes move (Thaler &
 * Ravishankar 1998, "Using name-based mappings to increase hit rates", §4).
 */
function hashedDistance(place: Uint8Array, id: Uint8Array): number {
  let hash = 0
  for (let at = 0; at < 32; at += 4) hash = mix(hash ^ wordAt(place, at) ^ wordAt(id, at))
  return hash >>> 0
}

/** Sorts by {@link hashedDistance} to a place, nearest first; what has no id comes last, as it stands. */
export function byHashedDistance<T>(
  place: Uint8Array,
  items: readonly T[],
  idOf: (item: T) => Uint8Array | undefined,
): T[] {
  const ranked = items.map((item) => {
    const id = idOf(item)
    return { item, id, distance: id ? hashedDistance(place, id) : Number.POSITIVE_INFINITY }
  })
  ranked.sort((a, b) => {
    if (a.distance !== b.distance) return a.distance - b.distance
    return a.id && b.id ? compareDistance(place, a.id, b.id) : 0
  })
  return ranked.map(({ item }) => item)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** The last step of MurmurHash3 (public domain): every bit of the input changes half of the output. */
function mix(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return h ^ (h >>> 16)
}
