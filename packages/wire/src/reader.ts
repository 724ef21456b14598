import { RemoteProtocolError } from './errors.ts'
import { utf8Read, utf8ReadLossy } from './utf8.ts'

/**
 * A cursor over received bytes. Every read checks bounds first and throws
 * {@link RemoteProtocolError} `FLATEND_WIRE_TRUNCATED` where the bytes run out. Integers are
 * unsigned and big-endian. Nothing is copied: byte results are views of the source.
 */
export class Reader {
  #bytes: Uint8Array
  #offset: number
  #end: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#offset = start
    this.#end = end
  }

  /** Points the same reader at other bytes, so that a hot path needs one object for all messages. */
  reset(bytes: Uint8Array, start: number, end: number): this {
    this.#bytes = bytes
    this.#offset = start
    this.#end = end
    return this
  }

  /** Position in the source, in bytes. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#end - this.#offset
  }

  /** The next byte. */
  u8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  /** The next two bytes. */
  u16(): number {
    const at = this.#take(2)
    const b = this.#bytes
    return ((b[at] as number) << 8) | (b[at + 1] as number)
  }

  /** The next four bytes. */
  u32(): number {
    const at = this.#take(4)
    const b = this.#bytes
    return (
      (((b[at] as number) << 24) |
        ((b[at + 1] as number) << 16) |
        ((b[at + 2] as number) << 8) |
        (b[at + 3] as number)) >>>
      0
    )
  }

  /** The next eight bytes. */
  u64(): bigint {
    const high = this.u32()
    return (BigInt(high) << 32n) | BigInt(this.u32())
  }

  /** The next `length` bytes as a view of the source. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Everything that is left, as a view of the source. */
  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** Bytes behind a u8 length. */
  lp8(): Uint8Array {
    return this.bytes(this.u8())
  }

  /** Bytes behind a u16 length. */
  lp16(): Uint8Array {
    return this.bytes(this.u16())
  }

  /**
   * The next `length` bytes as UTF-8. With `replace`, invalid sequences become U+FFFD.
   * @throws RemoteProtocolError `FLATEND_WIRE_UTF8` on invalid UTF-8 otherwise.
   */
  text(length: number, replace = false): string {
    const at = this.#take(length)
    if (replace) return utf8ReadLossy(this.#bytes, at, at + length)
    const text = utf8Read(this.#bytes, at, at + length)
    if (text === undefined) {
      throw new RemoteProtocolError('FLATEND_WIRE_UTF8', `text at byte ${at} is not valid UTF-8`, {
        details: { offset: at, length },
      })
    }
    return text
  }

  /** UTF-8 text behind a u8 length; see {@link Reader.text}. */
  text8(replace = false): string {
    return this.text(this.u8(), replace)
  }

  /** UTF-8 text behind a u16 length; see {@link Reader.text}. */
  text16(replace = false): string {
    return this.text(this.u16(), replace)
  }

  /** @throws RemoteProtocolError `FLATEND_WIRE_TRAILING` where bytes are left over. */
  expectEnd(): void {
    if (this.#offset === this.#end) return
    throw new RemoteProtocolError(
      'FLATEND_WIRE_TRAILING',
      `${this.remaining} unexpected bytes after the end of the message`,
      { details: { offset: this.#offset, remaining: this.remaining } },
    )
  }

  #take(length: number): number {
    const at = this.#offset
    if (length > this.#end - at) {
      throw new RemoteProtocolError(
        'FLATEND_WIRE_TRUNCATED',
        `message ends at byte ${this.#end}, ${length} bytes were expected at byte ${at}`,
        { details: { offset: at, expected: length, remaining: this.#end - at } },
      )
    }
    this.#offset = at + length
    return at
  }
}
