import { BLAKE2b } from '@stablelib/blake2b'
import type { Blake2bOptions } from './suite.ts'

const DIGEST_LENGTH = 32
const encoder = new TextEncoder()
/** A session hashes under the same few names for ever. */
const persons = new Map<string, Uint8Array>()

/** Keyed and personalized BLAKE2b-256 (RFC 7693 §2.5), which node:crypto does not offer. */
export function blake2b256(
  { person, key }: Blake2bOptions,
  parts: readonly Uint8Array[],
): Uint8Array {
  const hash = new BLAKE2b(DIGEST_LENGTH, {
    ...(key ? { key } : {}),
    ...(person === undefined ? {} : { personalization: encode(person) }),
  })
  for (const part of parts) hash.update(part)
  const digest = hash.digest()
  hash.clean()
  return digest
}

function encode(person: string): Uint8Array {
  const known = persons.get(person)
  if (known) return known
  const bytes = encoder.encode(person)
  persons.set(person, bytes)
  return bytes
}
