import { RemoteProtocolError } from './errors.ts'
import { LENGTH_PREFIX } from './limits.ts'

/**
 * Cuts a byte stream, in whatever pieces it arrives, into packets behind a u32 length.
 *
 * `push` a chunk, then call `next` until it gives `undefined`. A packet that lies whole in a chunk
 * is a view of it; one that is split is gathered in a buffer that grows with the bytes that really
 * arrived, so a length alone costs a peer's victim nothing. Each byte is copied at most twice.
 */
export class FrameDecoder {
  /** Largest length accepted from the next packet on, in bytes. */
  maxLength: number
  #chunk: Uint8Array = EMPTY
  #offset = 0
  /** The length of the packet being gathered; -1 while its own four bytes are not complete. */
  #length = -1
  #partial: Uint8Array = EMPTY
  #gathered = 0

  constructor(maxLength: number) {
    this.maxLength = maxLength
  }

  /** Bytes held back because their packet is not complete. */
  get buffered(): number {
    return this.#gathered + (this.#chunk.length - this.#offset)
  }

  /** The stream stopped inside a packet or its length. */
  get partial(): boolean {
    return this.#length >= 0 || this.buffered > 0
  }

  /**
   * Takes the next chunk, which the decoder may keep a view of until it is drained.
   * Call it only after `next` gave `undefined`.
   */
  push(chunk: Uint8Array): void {
    if (this.#offset < this.#chunk.length) {
      const rest = this.#chunk.subarray(this.#offset)
      const joined = new Uint8Array(rest.length + chunk.length)
      joined.set(rest)
      joined.set(chunk, rest.length)
      this.#chunk = joined
    } else this.#chunk = chunk
    this.#offset = 0
  }

  /**
   * The next complete packet without its length, or `undefined` where more bytes are needed.
   * @throws RemoteProtocolError `FLATEND_WIRE_FRAME_TOO_LARGE` as soon as the length is known.
   */
  next(): Uint8Array | undefined {
    if (this.#length < 0 && !this.#readLength()) return undefined
    const available = this.#chunk.length - this.#offset
    if (this.#gathered === 0 && available >= this.#length) return this.#whole()
    const missing = this.#length - this.#gathered
    this.#gather(Math.min(missing, available))
    if (this.#gathered < this.#length) return undefined
    const frame = this.#partial.subarray(0, this.#length)
    this.#restart()
    return frame
  }

  /** Everything not yet handed out, for a stream that changes its framing; empties the decoder. */
  rest(): Uint8Array {
    const rest = this.#chunk.subarray(this.#offset)
    this.#chunk = EMPTY
    this.#offset = 0
    return rest
  }

  #whole(): Uint8Array {
    const start = this.#offset
    this.#offset += this.#length
    const frame = this.#chunk.subarray(start, this.#offset)
    this.#restart()
    return frame
  }

  #restart(): void {
    this.#length = -1
    this.#gathered = 0
    this.#partial = EMPTY
    if (this.#offset === this.#chunk.length) {
      this.#chunk = EMPTY
      this.#offset = 0
    }
  }

  #readLength(): boolean {
    const available = this.#chunk.length - this.#offset
    if (this.#gathered === 0 && available >= LENGTH_PREFIX) {
      this.#setLength(this.#chunk, this.#offset)
      this.#offset += LENGTH_PREFIX
      return true
    }
    this.#gather(Math.min(LENGTH_PREFIX - this.#gathered, available))
    if (this.#gathered < LENGTH_PREFIX) return false
    const prefix = this.#partial
    this.#gathered = 0
    this.#partial = EMPTY
    this.#setLength(prefix, 0)
    return true
  }

  #setLength(b: Uint8Array, at: number): void {
    const length =
      (((b[at] as number) << 24) |
        ((b[at + 1] as number) << 16) |
        ((b[at + 2] as number) << 8) |
        (b[at + 3] as number)) >>>
      0
    if (length > this.maxLength) {
      throw new RemoteProtocolError(
        'FLATEND_WIRE_FRAME_TOO_LARGE',
        `the peer announced a packet of ${length} bytes, at most ${this.maxLength} are allowed`,
        { details: { length, max: this.maxLength } },
      )
    }
    this.#length = length
  }

  /** Moves `count` bytes of the chunk behind those already gathered. */
  #gather(count: number): void {
    const needed = this.#gathered + count
    if (needed > this.#partial.length) {
      const most = this.#length < 0 ? LENGTH_PREFIX : this.#length
      const wanted = Math.max(needed, this.#partial.length * 2, SMALLEST)
      const grown = new Uint8Array(Math.min(most, wanted))
      grown.set(this.#partial.subarray(0, this.#gathered))
      this.#partial = grown
    }
    // A view costs more than a few bytes do.
    if (count > FEW) {
      this.#partial.set(this.#chunk.subarray(this.#offset, this.#offset + count), this.#gathered)
    } else {
      for (let i = 0; i < count; i++)
        this.#partial[this.#gathered + i] = this.#chunk[this.#offset + i] as number
    }
    this.#gathered = needed
    this.#offset += count
  }
}

const EMPTY = new Uint8Array(0)
/** Bytes of the first buffer that pieces of a packet are gathered in, where it is that long. */
const SMALLEST = 64
const FEW = 8
