import { createHash } from 'node:crypto'
import type { ProviderRecord, RecordsOptions, Signer } from '../../src/record.ts'
import { randomId } from './ids.ts'

const digest = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/**
 * Signatures for tests that make thousands of them: a digest of key and bytes. Anybody can make one,
 * and a byte that was changed anywhere is found, which is all that these tests need. Real signatures
 * are tested with those of the suite.
 */
export function signerOf(publicKey: Uint8Array): Signer {
  return { publicKey, sign: (bytes) => Uint8Array.from(digest(publicKey, bytes)) }
}

export const verify: RecordsOptions['verify'] = (publicKey, bytes, signature) =>
  digest(publicKey, bytes).equals(signature)

export const hash: RecordsOptions['hash'] = (bytes) =>
  Uint8Array.from(digest(bytes).subarray(0, 32))

/** A record of some provider, good for 15 minutes. */
export function recordOf(
  random: () => number,
  parts: Partial<ProviderRecord> = {},
): ProviderRecord {
  return {
    key: randomId(random),
    publicKey: randomId(random),
    seq: 1n,
    issued: 1_000_000,
    ttl: 900,
    weight: 1,
    tombstone: false,
    relayed: false,
    addresses: [{ address: { host: '10.0.0.1', port: 9_000 } }],
    metadata: new Uint8Array(0),
    ...parts,
  }
}
