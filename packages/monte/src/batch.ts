import { LocalProtocolError, Writer } from '@flatend/wire'

/** Payloads from this size on go to the cipher as they are: copying them would cost more. */
const BY_REFERENCE = 4_096
/** `u32 length` before each message of a v2 packet (protocol §3). */
const MESSAGE_PREFIX = 4
const INITIAL = 256

/** How messages become packets. */
export interface BatchOptions {
  /** v2: a length before each message, many in a packet; v1: one message a packet. */
  readonly framed: boolean
  /** Plaintext bytes of a packet at the most. */
  readonly maxPacket: number
  /** Takes the pieces of a full packet; they are valid during the call only. */
  readonly seal: (pieces: readonly Uint8Array[]) => void
}

/**
 * The packet being filled. Small messages lie one behind the other in one buffer, so that a packet
 * is one run for the cipher; large payloads are pieces of their own.
 */
export class Batch {
  readonly #framed: boolean
  readonly #maxPacket: number
  readonly #seal: (pieces: readonly Uint8Array[]) => void
  #writer: Writer
  #pieces: Uint8Array[] = []
  /** Where in the writer the run begins that is not a piece yet. */
  #runStart = 0
  /** Where in the writer the message begins that is being written; -1 for none. */
  #start = -1
  #bytes = 0

  constructor({ framed, maxPacket, seal }: BatchOptions) {
    this.#framed = framed
    this.#maxPacket = maxPacket
    this.#seal = seal
    this.#writer = this.#newWriter()
  }

  /** Plaintext bytes of finished messages that are not sealed yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Begins a message; a reply in v1 has no `code`. */
  begin(seq: number, code: number | undefined): Writer {
    if (this.#start >= 0) throw nested('a message was begun before the last one was ended')
    const writer = this.#writer
    const start = writer.length
    if (this.#framed) writer.u32(0)
    writer.u32(seq)
    if (code !== undefined) writer.u8(code)
    this.#start = start
    return writer
  }

  /** Ends the message. @throws LocalProtocolError where it does not fit a packet; it is forgotten */
  end(payload?: Uint8Array): void {
    const start = this.#start
    if (start < 0) throw nested('no message was begun')
    const writer = this.#writer
    const length = writer.length - start + (payload?.length ?? 0)
    if (length > this.#maxPacket) {
      this.abort()
      throw tooLarge(length, this.#maxPacket)
    }
    const large = this.#inline(payload)
    if (this.#framed) writer.patch32(start, length - MESSAGE_PREFIX)
    this.#start = -1
    if (this.#bytes > 0 && this.#bytes + length > this.#maxPacket) this.#sealUpTo(start)
    if (large) this.#append(large)
    this.#bytes += length
    if (!this.#framed) this.flush()
  }

  /** Forgets the message that was begun, if any. */
  abort(): void {
    if (this.#start < 0) return
    this.#writer.truncate(this.#start)
    this.#start = -1
  }

  /** Seals what waits; a message that was begun and not ended stays. */
  flush(): void {
    if (this.#bytes > 0) this.#sealUpTo(this.#start < 0 ? this.#writer.length : this.#start)
  }

  /** Gives memory back that a burst needed. */
  shrink(): void {
    if (this.#bytes === 0 && this.#start < 0) this.#writer = this.#newWriter()
  }

  #newWriter(): Writer {
    // A full packet, and behind it a message that turns out to belong to the next.
    return new Writer({ initial: INITIAL, max: this.#maxPacket * 2 })
  }

  #sealUpTo(position: number): void {
    const writer = this.#writer
    this.#closeRun(position)
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    this.#runStart = 0
    this.#seal(pieces)
    if (position === writer.length) {
      writer.clear()
      return
    }
    const next = writer.view(position).slice()
    writer.clear()
    writer.bytes(next)
    if (this.#start >= 0) this.#start = 0
  }

  /** Copies a small payload. @returns a large one */
  #inline(payload: Uint8Array | undefined): Uint8Array | undefined {
    if (payload && payload.length >= BY_REFERENCE) return payload
    if (payload) this.#writer.bytes(payload)
    return undefined
  }

  #append(piece: Uint8Array): void {
    this.#closeRun(this.#writer.length)
    this.#pieces.push(piece)
  }

  #closeRun(position: number): void {
    if (position > this.#runStart) this.#pieces.push(this.#writer.view(this.#runStart, position))
    this.#runStart = position
  }
}

function nested(message: string): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_MONTE_NESTED',
    `${message}: every begin needs one end or abort`,
  )
}

function tooLarge(length: number, max: number): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_MONTE_MESSAGE_SIZE',
    `a message of ${length} bytes does not fit a packet of ${max}`,
    { details: { length, max } },
  )
}
