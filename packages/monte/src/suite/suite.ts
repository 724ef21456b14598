/** One side's ephemeral X25519 key (RFC 7748 §5). */
export interface KeyExchange {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /**
   * The shared secret, 32 bytes; the caller overwrites it after use.
   * @returns `undefined` where it is all zero: the peer sent a point of low order (RFC 7748 §6.1)
   */
  agree(peer: Uint8Array): Uint8Array | undefined
  /** Overwrites the secret; afterwards `agree` gives nothing. */
  destroy(): void
}

/** An Ed25519 identity (RFC 8032). */
export interface Identity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64-byte signature of `message`. */
  sign(message: Uint8Array): Uint8Array
}

/** AES-256-GCM under one key, 12-byte nonces and 16-byte tags (NIST SP 800-38D). */
export interface Cipher {
  /** Encrypts the pieces as one text. @returns ciphertext in pieces, the tag last */
  seal(nonce: Uint8Array, aad: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[]
  /** Decrypts ciphertext and tag. @returns fresh bytes, or `undefined` where it is not authentic */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
  /** Forgets the key; afterwards `seal` throws and `open` gives nothing. */
  destroy(): void
}

/** Cryptography as the session needs it. */
export interface Suite {
  /** Bytes nobody can guess. */
  randomBytes(length: number): Uint8Array
  /** A key from 32 secret bytes, or a fresh one. */
  keyExchange(secret?: Uint8Array): KeyExchange
  /** BLAKE2b with a 32-byte digest, 16-byte personalization and optional key (RFC 7693). */
  blake2b256(options: Blake2bOptions, parts: readonly Uint8Array[]): Uint8Array
  /** An identity from its 32-byte seed. */
  identity(seed: Uint8Array): Identity
  /** A strict Ed25519 check: canonical keys of large order, S below the order; never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** A cipher under a 32-byte key, which the caller may overwrite afterwards. */
  cipher(key: Uint8Array): Cipher
}

/** Options of {@link Suite.blake2b256}. */
export interface Blake2bOptions {
  /** 16 ASCII characters; none in v1. */
  readonly person?: string
  /** 1 to 64 bytes. */
  readonly key?: Uint8Array
}
