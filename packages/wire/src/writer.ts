import { LocalProtocolError } from './errors.ts'
import { utf8Length, utf8Write } from './utf8.ts'

/** Options of {@link Writer}, in bytes. */
export interface WriterOptions {
  /** Bytes allocated at first. @default 256 */
  readonly initial?: number
  /** Bytes the writer may hold at the most. @default 65_536 */
  readonly max?: number
}

/**
 * Appends integers, bytes and text to one growing buffer. Integers are unsigned and big-endian.
 * What does not fit throws {@link LocalProtocolError} `FLATEND_WIRE_OVERFLOW`; nothing is cut.
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0
  readonly #max: number

  constructor({ initial = 256, max = 65_536 }: WriterOptions = {}) {
    this.#bytes = new Uint8Array(Math.min(initial, max))
    this.#max = max
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** One byte. */
  u8(value: number): this {
    check(value, 0xff)
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  /** Two bytes. */
  u16(value: number): this {
    check(value, 0xffff)
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  /** Four bytes. */
  u32(value: number): this {
    check(value, 0xffff_ffff)
    this.#set32(this.#reserve(4), value)
    return this
  }

  /** Eight bytes. */
  u64(value: bigint): this {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw outOfRange(value.toString(), '2^64 - 1')
    this.u32(Number(value >> 32n))
    return this.u32(Number(value & 0xffff_ffffn))
  }

  /** Copies `bytes`. */
  bytes(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** A u8 length and the bytes. */
  lp8(bytes: Uint8Array): this {
    check(bytes.length, 0xff)
    return this.u8(bytes.length).bytes(bytes)
  }

  /** A u16 length and the bytes. */
  lp16(bytes: Uint8Array): this {
    check(bytes.length, 0xffff)
    return this.u16(bytes.length).bytes(bytes)
  }

  /** UTF-8 text without a length. */
  text(text: string): this {
    this.#text(text)
    return this
  }

  /** A u8 length in bytes and UTF-8 text. */
  text8(text: string): this {
    const at = this.#reserve(1)
    const length = this.#text(text)
    if (length > 0xff) throw this.#undo(at, length, 0xff)
    this.#bytes[at] = length
    return this
  }

  /** A u16 length in bytes and UTF-8 text. */
  text16(text: string): this {
    const at = this.#reserve(2)
    const length = this.#text(text)
    if (length > 0xffff) throw this.#undo(at, length, 0xffff)
    this.#bytes[at] = length >>> 8
    this.#bytes[at + 1] = length
    return this
  }

  /** Overwrites four bytes written earlier, for a length known only afterwards. */
  patch32(offset: number, value: number): void {
    check(value, 0xffff_ffff)
    if (offset + 4 > this.#length) throw outOfRange(offset, this.#length - 4)
    this.#set32(offset, value)
  }

  /** Forgets everything behind `length` bytes. */
  truncate(length: number): void {
    check(length, this.#length)
    this.#length = length
  }

  /** Forgets everything; the buffer stays. */
  clear(): void {
    this.#length = 0
  }

  /** A view of what is written; valid until the next write. */
  view(start = 0, end: number = this.#length): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(start, Math.min(end, this.#length))
  }

  /** A copy of what is written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #text(text: string): number {
    // Three bytes a UTF-16 unit is the most UTF-8 can need; exact only where that would not fit.
    const start = this.#length
    const most = text.length * 3
    const room = start + most <= this.#max ? most : utf8Length(text)
    this.#reserve(room)
    const written = utf8Write(text, this.#bytes, start)
    this.#length = start + written
    return written
  }

  #undo(at: number, length: number, max: number): LocalProtocolError {
    this.#length = at
    return outOfRange(length, max)
  }

  #set32(at: number, value: number): void {
    const b = this.#bytes
    b[at] = value >>> 24
    b[at + 1] = value >>> 16
    b[at + 2] = value >>> 8
    b[at + 3] = value
  }

  #reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#bytes.length) this.#grow(needed)
    this.#length = needed
    return at
  }

  #grow(needed: number): void {
    if (needed > this.#max) {
      throw new LocalProtocolError(
        'FLATEND_WIRE_OVERFLOW',
        `message needs ${needed} bytes, at most ${this.#max} are allowed`,
        { details: { needed, max: this.#max } },
      )
    }
    const grown = new Uint8Array(Math.min(this.#max, Math.max(needed, this.#bytes.length * 2)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

function check(value: number, max: number): void {
  if (value < 0 || value > max || !Number.isInteger(value)) throw outOfRange(value, max)
}

function outOfRange(value: number | string, max: number | string): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_WIRE_OVERFLOW',
    `${value} does not fit, the largest value here is ${max}`,
    { details: { value, max } },
  )
}
