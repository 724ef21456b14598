import { BLAKE2b, type SavedState } from '@stablelib/blake2b'
import type { Blake2bOptions } from './suite.ts'

const DIGEST_LENGTH = 32
const KEY_LENGTH = 32
const MAX_STARTS = 64
const NO_KEY = new Uint8Array(KEY_LENGTH)
const encoder = new TextEncoder()
/** Where a hash of each person begins, with a key of zeroes or none: a session has a few, for ever. */
const starts = new Map<string, SavedState>()
/** One for all, since nothing here is interrupted: making one takes as long as hashing a block. */
const hash = new BLAKE2b(DIGEST_LENGTH)

/** Keyed and personalized BLAKE2b-256 (RFC 7693 §2.5), which node:crypto does not offer. */
export function blake2b256(
  { person, key }: Blake2bOptions,
  parts: readonly Uint8Array[],
): Uint8Array {
  if (key && key.length !== KEY_LENGTH) return digestOf(createHash(person, key), parts)
  const start = startOf(person, key !== undefined)
  // The key is the first block (RFC 7693 §3.3), and is not left behind.
  if (key) start.buffer.set(key)
  hash.restoreState(start)
  if (key) start.buffer.fill(0, 0, KEY_LENGTH)
  return digestOf(hash, parts)
}

function digestOf(of: BLAKE2b, parts: readonly Uint8Array[]): Uint8Array {
  for (const part of parts) of.update(part)
  const digest = of.digest()
  of.clean()
  return digest
}

function startOf(person: string | undefined, keyed: boolean): SavedState {
  const name = `${keyed ? 'keyed' : 'plain'} ${person ?? ''}`
  const known = starts.get(name)
  if (known) return known
  const start = createHash(person, keyed ? NO_KEY : undefined).saveState()
  // Needed to begin again only, which is done by this state.
  start.paddedKey = undefined
  if (starts.size < MAX_STARTS) starts.set(name, start)
  return start
}

function createHash(person: string | undefined, key: Uint8Array | undefined): BLAKE2b {
  return new BLAKE2b(DIGEST_LENGTH, {
    ...(key ? { key } : {}),
    ...(person === undefined ? {} : { personalization: encoder.encode(person) }),
  })
}
