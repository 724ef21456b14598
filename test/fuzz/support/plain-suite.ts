import type { Suite } from '@flatend/monte'

const TAG = 16
const KEY = 32

/**
 * A suite that hides nothing and believes everything, so that inputs get past it: packets are
 * plaintext with 16 bytes behind, any signature will do.
 */
export const plainSuite: Suite = {
  randomBytes: (length) => new Uint8Array(length),
  keyExchange: () => ({
    publicKey: new Uint8Array(KEY).fill(7),
    agree: () => new Uint8Array(KEY).fill(1),
    destroy: () => undefined,
  }),
  blake2b256: () => new Uint8Array(KEY),
  identity: (seed) => ({ publicKey: seed.slice(), sign: () => new Uint8Array(64) }),
  verify: () => true,
  cipher: () => ({
    seal: (_nonce, _aad, pieces) => [...pieces, new Uint8Array(TAG)],
    open: (_nonce, _aad, sealed) =>
      sealed.length < TAG ? undefined : sealed.slice(0, sealed.length - TAG),
    destroy: () => undefined,
  }),
}
