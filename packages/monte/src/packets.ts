import { LENGTH_PREFIX, RemoteProtocolError, TAG_LENGTH } from '@flatend/wire'
import { ratchet } from './key-schedule.ts'
import type { Cipher, Suite } from './suite/suite.ts'

/** Packets under one key and direction; then the key is ratcheted (protocol §3). */
export const PACKETS_PER_KEY: number = 2 ** 20
const NOTHING = new Uint8Array(0)

/** How packets of one direction are numbered and authenticated. */
export interface DirectionOptions {
  readonly suite: Suite
  /** 32 bytes, kept and overwritten. */
  readonly key: Uint8Array
  /** v2: the length is authenticated and the key ratcheted. */
  readonly v2: boolean
  /** @default 2^20 */
  readonly packetsPerKey?: number
}

/** The key of one direction, and the number of the next packet under it. */
class Direction {
  readonly #suite: Suite
  readonly #packetsPerKey: number
  readonly #v2: boolean
  #key: Uint8Array
  #cipher: Cipher
  #counter = 0
  readonly #aad: Uint8Array

  constructor({ suite, key, v2, packetsPerKey = PACKETS_PER_KEY }: DirectionOptions) {
    this.#suite = suite
    this.#key = key
    this.#v2 = v2
    this.#packetsPerKey = packetsPerKey
    this.#cipher = suite.cipher(key)
    this.#aad = v2 ? new Uint8Array(LENGTH_PREFIX) : NOTHING
  }

  /** The next key, from `input`; the counter starts again. */
  ratchet(input: Uint8Array): void {
    this.#cipher.destroy()
    this.#key = ratchet(this.#suite, this.#key, input)
    this.#cipher = this.#suite.cipher(this.#key)
    this.#counter = 0
  }

  /** Overwrites the key; nothing is sealed or opened afterwards. */
  destroy(): void {
    this.#cipher.destroy()
    this.#key.fill(0)
  }

  protected get cipher(): Cipher {
    return this.#cipher
  }

  protected get counter(): number {
    return this.#counter
  }

  /** Counts the packet just handled. */
  protected advance(): void {
    this.#counter++
    if (this.#v2 && this.#counter === this.#packetsPerKey) this.ratchet(NOTHING)
  }

  /** What is authenticated beside the text: in v2 the four bytes of the length. */
  protected aad(length: number): Uint8Array {
    if (this.#v2) writeLength(this.#aad, length)
    return this.#aad
  }
}

/** Seals what we send. */
export class Sealer extends Direction {
  /** Appends `u32 length | ciphertext | tag` to `out`. @returns the bytes appended */
  seal(pieces: readonly Uint8Array[], out: Uint8Array[]): number {
    let length = TAG_LENGTH
    for (const piece of pieces) length += piece.length
    const prefix = new Uint8Array(LENGTH_PREFIX)
    writeLength(prefix, length)
    out.push(prefix)
    for (const piece of this.cipher.seal(this.counter, this.aad(length), pieces)) out.push(piece)
    this.advance()
    return LENGTH_PREFIX + length
  }
}

/** Opens what the peer sent. */
export class Opener extends Direction {
  /** @throws RemoteProtocolError `FLATEND_MONTE_AUTHENTICATION` */
  open(sealed: Uint8Array): Uint8Array {
    const plaintext = this.cipher.open(this.counter, this.aad(sealed.length), sealed)
    if (!plaintext) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_AUTHENTICATION',
        'a packet is not authentic: it was changed on the way, or the peer is of another network',
        { details: { length: sealed.length } },
      )
    }
    this.advance()
    return plaintext
  }
}

function writeLength(target: Uint8Array, length: number): void {
  target[0] = length >>> 24
  target[1] = length >>> 16
  target[2] = length >>> 8
  target[3] = length
}
