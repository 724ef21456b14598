import { LENGTH_PREFIX, RemoteProtocolError, TAG_LENGTH } from '@flatend/wire'
import { ratchet } from './key-schedule.ts'
import type { Cipher, Suite } from './suite/suite.ts'

/** Packets under one key and direction; then the key is ratcheted (protocol §3). */
const PACKETS_PER_KEY: number = 2 ** 20
/** u64 counter | 00000000 (protocol §1). */
const NONCE_LENGTH = 12
const NOTHING = new Uint8Array(0)

/** How packets of one direction are numbered and authenticated. */
interface DirectionOptions {
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
  readonly #nonce = new Uint8Array(NONCE_LENGTH)

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
    this.#setCounter(0)
  }

  /** Overwrites the key; nothing is sealed or opened afterwards. */
  destroy(): void {
    this.#cipher.destroy()
    this.#key.fill(0)
  }

  protected get cipher(): Cipher {
    return this.#cipher
  }

  /** Nonce of the packet being handled. */
  protected get nonce(): Uint8Array {
    return this.#nonce
  }

  /** Counts the packet just handled. */
  protected advance(): void {
    this.#setCounter(this.#counter + 1)
    if (this.#v2 && this.#counter === this.#packetsPerKey) this.ratchet(NOTHING)
  }

  #setCounter(counter: number): void {
    this.#counter = counter
    write32(this.#nonce, 0, Math.floor(counter / 0x1_0000_0000))
    write32(this.#nonce, 4, counter)
  }

  /** What is authenticated beside the text: in v2 the four bytes of the length. */
  protected aad(length: number): Uint8Array {
    if (this.#v2) write32(this.#aad, 0, length)
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
    write32(prefix, 0, length)
    out.push(prefix)
    for (const piece of this.cipher.seal(this.nonce, this.aad(length), pieces)) out.push(piece)
    this.advance()
    return LENGTH_PREFIX + length
  }
}

/** Opens what the peer sent. */
export class Opener extends Direction {
  /** @throws RemoteProtocolError `FLATEND_MONTE_AUTHENTICATION` */
  open(sealed: Uint8Array): Uint8Array {
    const plaintext = this.cipher.open(this.nonce, this.aad(sealed.length), sealed)
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

function write32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}
