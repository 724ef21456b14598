import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { NodeError } from './errors.ts'

/** DER of a PKCS #8 Ed25519 key up to its 32-byte seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The Ed25519 public key, 32 bytes, of a 32-byte seed (RFC 8032 §5.1.5). */
export function publicKeyOf(seed: Uint8Array): Buffer {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

/**
 * A new Ed25519 secret key for {@link NodeOptions.secretKey}: 64 bytes, seed then public key, the
 * form the 2020 SDKs use too. Keep it secret; who has it can pose as the node.
 */
export function generateSecretKey(): Buffer {
  const seed = randomBytes(32)
  return Buffer.concat([seed, publicKeyOf(seed)])
}

/**
 * The seed of a secret key in either form: 32 bytes, or 64 bytes (seed, then public key).
 * @throws NodeError `FLATEND_NODE_SECRET_KEY` where it is neither, or its halves do not belong
 * together.
 */
export function seedOf(secretKey: Uint8Array): Uint8Array {
  if (secretKey.length === 32) return Uint8Array.from(secretKey)
  if (secretKey.length !== 64) {
    throw new NodeError(
      'FLATEND_NODE_SECRET_KEY',
      `a secret key has 32 or 64 bytes, this one has ${secretKey.length}: make one with generateSecretKey()`,
    )
  }
  const seed = Uint8Array.from(secretKey.subarray(0, 32))
  if (!publicKeyOf(seed).equals(secretKey.subarray(32))) {
    throw new NodeError(
      'FLATEND_NODE_SECRET_KEY',
      'the two halves of the secret key do not belong together: make one with generateSecretKey()',
    )
  }
  return seed
}

/**
 * Reads a key as `flatend keygen` writes it, or as 32 or 64 raw bytes, hex or base64.
 * @throws NodeError `FLATEND_NODE_SECRET_KEY` where it is none of these.
 */
export function parseSecretKey(content: Uint8Array): Uint8Array {
  if (content.length === 32 || content.length === 64) {
    const text = Buffer.from(content).toString('latin1').trim()
    if (!/^[0-9a-fA-F]{64}$/.test(text)) return seedOf(content)
  }
  const text = Buffer.from(content).toString('latin1').trim()
  if (/^([0-9a-fA-F]{64}|[0-9a-fA-F]{128})$/.test(text)) return seedOf(Buffer.from(text, 'hex'))
  if (/^[A-Za-z0-9+/]{43}=$|^[A-Za-z0-9+/]{86}==$/.test(text)) {
    return seedOf(Buffer.from(text, 'base64'))
  }
  throw new NodeError(
    'FLATEND_NODE_SECRET_KEY',
    'expected 32 or 64 bytes, raw or as hex or base64: make one with `flatend keygen`',
  )
}
