import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { blake2b256 } from './blake2b.ts'
import { destroyedCipher, requireKey, strictEd25519 } from './key-checks.ts'
import type { Cipher, Identity, KeyExchange, Suite } from './suite.ts'

// DER around raw secrets (RFC 8410 §7). OpenSSL takes 0.3 ms to read one: good enough for identities,
// which are imported once. Keys of every connection are generated, or imported as JWK (RFC 8037).
const X25519_PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex')
const ED25519_PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')
const TAG_LENGTH = 16
const GCM = 'aes-256-gcm'

function privateKey(prefix: Buffer, secret: Uint8Array): KeyObject {
  const der = Buffer.concat([prefix, secret])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  return key
}

function publicKey(crv: 'X25519' | 'Ed25519', raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv, x }, format: 'jwk' })
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(x, 'base64url'))
}

/** The same bytes without the Buffer, whose `slice` does not copy. */
function plain({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, length)
}

function keyExchange(secret?: Uint8Array): KeyExchange {
  if (secret) requireKey('the secret', secret)
  // OpenSSL keeps the secret and overwrites it with the object.
  let own: KeyObject | undefined = secret
    ? privateKey(X25519_PRIVATE, secret)
    : generateKeyPairSync('x25519').privateKey
  return {
    publicKey: rawPublicKey(own),
    agree(peer) {
      if (!own) return undefined
      try {
        return plain(diffieHellman({ privateKey: own, publicKey: publicKey('X25519', peer) }))
      } catch {
        // OpenSSL refuses the all-zero result itself.
        return undefined
      }
    },
    destroy() {
      own = undefined
    },
  }
}

function identity(seed: Uint8Array): Identity {
  requireKey('the seed', seed)
  const key = privateKey(ED25519_PRIVATE, seed)
  return { publicKey: rawPublicKey(key), sign: (message) => plain(sign(null, message, key)) }
}

/** Packets from this size on belong to streams. */
const LARGE = 32_768
/** Holds what was made last, so that making it is not left out. */
const last: { young: readonly unknown[] } = { young: [] }

/**
 * V8 frees the memory behind buffers when it collects young objects. A stream makes few objects and
 * much memory behind them, so that in a small heap full collections come first, many times a second:
 * they doubled the cost of streaming. Objects in proportion to the memory bring the cheap ones back.
 */
function pace(bytes: number): void {
  if (bytes >= LARGE) last.young = Array(bytes >> 3)
}

class NodeCipher implements Cipher {
  #key: KeyObject | undefined

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  seal(nonce: Uint8Array, aad: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
    if (!this.#key) throw destroyedCipher()
    const cipher = createCipheriv(GCM, this.#key, nonce)
    if (aad.length > 0) cipher.setAAD(aad)
    const sealed: Uint8Array[] = pieces.map((piece) => cipher.update(piece))
    cipher.final()
    pace(sealed.at(-1)?.length ?? 0)
    sealed.push(cipher.getAuthTag())
    return sealed
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - TAG_LENGTH
    if (end < 0 || !this.#key) return undefined
    const decipher = createDecipheriv(GCM, this.#key, nonce, {
      authTagLength: TAG_LENGTH,
    })
    if (aad.length > 0) decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(end))
    const plaintext = decipher.update(sealed.subarray(0, end))
    pace(end)
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      return undefined
    }
    return plain(plaintext)
  }

  // OpenSSL overwrites the key when the KeyObject is collected.
  destroy(): void {
    this.#key = undefined
  }
}

/** Cryptography by `node:crypto` (OpenSSL); keys are imported once for all packets under them. */
export const nodeSuite: Suite = {
  randomBytes: (length) => plain(randomBytes(length)),
  keyExchange,
  blake2b256,
  identity,
  verify(raw, message, signature) {
    if (!strictEd25519(raw, signature)) return false
    try {
      return verify(null, message, publicKey('Ed25519', raw), signature)
    } catch {
      return false
    }
  },
  cipher: (key) => new NodeCipher(key),
}
