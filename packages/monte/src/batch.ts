import { LocalProtocolError, Writer } from '@flatend/wire'

/** Payloads from this size on go to the cipher as they are: copying them would cost more. */
const BY_REFERENCE = 2_048
const MESSAGE_PREFIX = 4

/** Messages begun and not yet sealed, cut into packets. */
export class Batch {
  readonly #writer: Writer
  readonly #framed: boolean
  readonly #maxPacket: number
  #packets: Uint8Array[][] = []
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #runStart = 0
  #start = -1
  #bytes = 0

  /**
   * @param framed - v2: a length before each message, many in a packet; v1: one message a packet
   * @param maxPacket - plaintext bytes of a packet at the most
   */
  constructor(framed: boolean, maxPacket: number, maxQueued: number) {
    this.#framed = framed
    this.#maxPacket = maxPacket
    this.#writer = new Writer({ initial: 1_024, max: maxQueued })
  }

  /** Plaintext bytes waiting. */
  get bytes(): number {
    return this.#bytes
  }

  begin(seq: number, code: number | undefined): Writer {
    if (this.#start >= 0)
      throw new LocalProtocolError(
        'FLATEND_MONTE_NESTED',
        'a message was begun before the last one was ended',
      )
    const writer = this.#writer
    this.#start = writer.length
    if (this.#framed) writer.u32(0)
    writer.u32(seq)
    if (code !== undefined) writer.u8(code)
    return writer
  }

  end(payload?: Uint8Array): void {
    const writer = this.#writer
    const start = this.#start
    let byReference: Uint8Array | undefined
    if (payload && payload.length >= BY_REFERENCE) byReference = payload
    else if (payload) writer.bytes(payload)
    const length = writer.length - start + (byReference?.length ?? 0)
    if (length > this.#maxPacket) {
      this.abort()
      throw new LocalProtocolError(
        'FLATEND_MONTE_MESSAGE_SIZE',
        `a message of ${length} bytes does not fit a packet of ${this.#maxPacket}`,
        { details: { length, max: this.#maxPacket } },
      )
    }
    if (this.#framed) writer.patch32(start, length - MESSAGE_PREFIX)
    this.#start = -1
    if (this.#bytes > 0 && (!this.#framed || this.#packetBytes(start) + length > this.#maxPacket))
      this.#cut(start)
    if (byReference) {
      this.#closeRun(writer.length)
      this.#pieces.push(byReference)
      this.#pieceBytes += byReference.length
    }
    this.#bytes += length
  }

  abort(): void {
    if (this.#start >= 0) this.#writer.truncate(this.#start)
    this.#start = -1
  }

  /** Everything that waits, a list of pieces a packet; the batch is empty afterwards. */
  take(): Uint8Array[][] {
    if (this.#bytes === 0) return []
    this.#cut(this.#writer.length)
    const packets = this.#packets
    this.#packets = []
    this.#bytes = 0
    this.#runStart = 0
    // The views handed out stay valid until the next begin, which comes after they are sealed.
    this.#writer.clear()
    return packets
  }

  /** Bytes of the packet being filled, up to `position` of the writer. */
  #packetBytes(position: number): number {
    return this.#pieceBytes + (position - this.#runStart)
  }

  #cut(position: number): void {
    this.#closeRun(position)
    if (this.#pieces.length > 0) this.#packets.push(this.#pieces)
    this.#pieces = []
    this.#pieceBytes = 0
  }

  #closeRun(position: number): void {
    if (position > this.#runStart) {
      this.#pieces.push(this.#writer.view(this.#runStart, position))
      this.#pieceBytes += position - this.#runStart
    }
    this.#runStart = position
  }
}
