import { AES } from '@stablelib/aes'
import { generateKeyPairFromSeed, sign, verify } from '@stablelib/ed25519'
import { GCM } from '@stablelib/gcm'
import { scalarMult, scalarMultBase } from '@stablelib/x25519'
import { blake2b256 } from './blake2b.ts'
import { destroyedCipher, requireKey, strictEd25519 } from './key-checks.ts'
import type { Cipher, Identity, KeyExchange, Suite } from './suite.ts'

declare const crypto: { getRandomValues<T extends Uint8Array>(target: T): T }

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}

function keyExchange(secret: Uint8Array = randomBytes(32)): KeyExchange {
  requireKey('the secret', secret)
  const own = secret.slice()
  let destroyed = false
  return {
    publicKey: scalarMultBase(own),
    agree(peer) {
      if (destroyed || peer.length !== own.length) return undefined
      const shared = scalarMult(own, peer)
      return shared.every((byte) => byte === 0) ? undefined : shared
    },
    destroy() {
      destroyed = true
      own.fill(0)
    },
  }
}

function identity(seed: Uint8Array): Identity {
  requireKey('the seed', seed)
  const { publicKey, secretKey } = generateKeyPairFromSeed(seed)
  return { publicKey, sign: (message) => sign(secretKey, message) }
}

class StablelibCipher implements Cipher {
  readonly #aes: AES
  readonly #gcm: GCM
  /** An overwritten key is a key too: nothing may be sealed under it. */
  #destroyed = false
  constructor(key: Uint8Array) {
    this.#aes = new AES(key, true)
    this.#gcm = new GCM(this.#aes)
  }
  seal(nonce: Uint8Array, aad: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
    if (this.#destroyed) throw destroyedCipher()
    return [this.#gcm.seal(nonce, join(pieces), aad)]
  }
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#destroyed || sealed.length < this.#gcm.tagLength) return undefined
    return this.#gcm.open(nonce, sealed, aad) ?? undefined
  }
  destroy(): void {
    this.#destroyed = true
    this.#gcm.clean()
    this.#aes.clean()
  }
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (only && pieces.length === 1) return only
  let length = 0
  for (const piece of pieces) length += piece.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** Cryptography in JavaScript, by the @stablelib packages: for browsers, and many times slower. */
export const stablelibSuite: Suite = {
  randomBytes,
  keyExchange,
  blake2b256,
  identity,
  verify(publicKey, message, signature) {
    return strictEd25519(publicKey, signature) && verify(publicKey, message, signature)
  },
  cipher: (key) => new StablelibCipher(key),
}
