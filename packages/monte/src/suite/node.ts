import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { blake2b256 } from './blake2b.ts'
import { requireKey, strictEd25519 } from './key-checks.ts'
import type { Cipher, Identity, KeyExchange, Suite } from './suite.ts'

// DER around raw keys (RFC 8410 §4 and §7): importing a whole DER key is the fastest way in.
const X25519_PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex')
const X25519_PUBLIC = Buffer.from('302a300506032b656e032100', 'hex')
const ED25519_PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')
const ED25519_PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')
const RAW_LENGTH = 32
const TAG_LENGTH = 16
const GCM = 'aes-256-gcm'

function privateKey(prefix: Buffer, secret: Uint8Array): KeyObject {
  const der = Buffer.concat([prefix, secret])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  return key
}

function publicKey(prefix: Buffer, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(der.length - RAW_LENGTH))
}

/** The same bytes without the Buffer, whose `slice` does not copy. */
function plain({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, length)
}

function keyExchange(secret?: Uint8Array): KeyExchange {
  const bytes = secret ?? randomBytes(RAW_LENGTH)
  requireKey('the secret', bytes)
  // OpenSSL keeps the secret from here on and overwrites it with the object.
  let own: KeyObject | undefined = privateKey(X25519_PRIVATE, bytes)
  if (!secret) bytes.fill(0)
  return {
    publicKey: rawPublicKey(own),
    agree(peer) {
      if (!own) return undefined
      try {
        const theirs = publicKey(X25519_PUBLIC, peer)
        return plain(diffieHellman({ privateKey: own, publicKey: theirs }))
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

class NodeCipher implements Cipher {
  readonly #key: KeyObject
  readonly #nonce: Buffer<ArrayBuffer> = Buffer.alloc(12)

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  seal(counter: number, aad: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
    const cipher = createCipheriv(GCM, this.#key, this.#at(counter))
    if (aad.length > 0) cipher.setAAD(aad)
    const sealed: Uint8Array[] = pieces.map((piece) => cipher.update(piece))
    cipher.final()
    sealed.push(cipher.getAuthTag())
    return sealed
  }

  open(counter: number, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - TAG_LENGTH
    if (end < 0) return undefined
    const decipher = createDecipheriv(GCM, this.#key, this.#at(counter), {
      authTagLength: TAG_LENGTH,
    })
    if (aad.length > 0) decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(end))
    const plaintext = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      return undefined
    }
    return plain(plaintext)
  }

  // OpenSSL overwrites the key when the KeyObject is collected.
  destroy(): void {}

  #at(counter: number): Buffer {
    this.#nonce.writeUInt32BE(Math.floor(counter / 0x1_0000_0000), 0)
    this.#nonce.writeUInt32BE(counter >>> 0, 4)
    return this.#nonce
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
      return verify(null, message, publicKey(ED25519_PUBLIC, raw), signature)
    } catch {
      return false
    }
  },
  cipher: (key) => new NodeCipher(key),
}
