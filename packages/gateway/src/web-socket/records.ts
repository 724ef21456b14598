/**
 * Messages of a WebSocket within a call's bodies, the same in both directions: one byte of kind,
 * four of length (big-endian), then the payload.
 */
export const RECORD = { text: 1, binary: 2, close: 8 } as const
export type RecordKind = (typeof RECORD)[keyof typeof RECORD]

const HEAD = 5
const CLOSE_CODE = 2
/** RFC 6455 §5.5: a control frame has 125 bytes at the most, two are the code. */
export const MAX_REASON = 123
/** No code was given (RFC 6455 §7.4.1); never on the wire. */
export const NO_CODE = 1005
const EMPTY = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A body that is not made of records. */
export class RecordError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RecordError'
  }
}

/** One message as bytes of a body. */
export function encodeRecord(kind: RecordKind, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEAD + payload.length)
  record[0] = kind
  new DataView(record.buffer).setUint32(1, payload.length)
  record.set(payload, HEAD)
  return record
}

/** The end of a WebSocket as bytes of a body. The reason is cut after {@link MAX_REASON} bytes. */
export function encodeClose(code: number, reason: string): Uint8Array {
  if (code === NO_CODE) return encodeRecord(RECORD.close, EMPTY)
  const text = encoder.encode(cutReason(reason))
  const payload = new Uint8Array(CLOSE_CODE + text.length)
  new DataView(payload.buffer).setUint16(0, code)
  payload.set(text, CLOSE_CODE)
  return encodeRecord(RECORD.close, payload)
}

/** Code and reason of a close record; without a code {@link NO_CODE}. */
export function decodeClose(payload: Uint8Array): {
  readonly code: number
  readonly reason: string
} {
  if (payload.length < CLOSE_CODE) return { code: NO_CODE, reason: '' }
  const code = ((payload[0] as number) << 8) | (payload[1] as number)
  return { code, reason: cutReason(decoder.decode(payload.subarray(CLOSE_CODE))) }
}

/** A reason that fits a close frame: whole characters, {@link MAX_REASON} bytes at the most. */
export function cutReason(reason: string): string {
  const bytes = encoder.encode(reason)
  if (bytes.length <= MAX_REASON) return reason
  let end = MAX_REASON
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return decoder.decode(bytes.subarray(0, end))
}

/** Whether an application may close with this code (RFC 6455 §7.4). */
export function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
}

/** Takes each record; {@link RecordReader.push} returns after the last whole one. */
export type RecordConsumer = (kind: RecordKind, payload: Uint8Array) => void

/** Cuts records out of a body's chunks, whatever their borders. */
export class RecordReader {
  readonly #limit: number
  readonly #head = new Uint8Array(HEAD)
  #headBytes = 0
  #missing = 0
  #parts: Uint8Array[] = []

  /** @param limit bytes of a payload at the most */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether a record has begun that is not complete. */
  get partial(): boolean {
    return this.#headBytes > 0
  }

  /** @throws RecordError where it is no record, or a larger one than allowed */
  push(chunk: Uint8Array, consumer: RecordConsumer): void {
    let at = 0
    while (at < chunk.length || (this.#headBytes === HEAD && this.#missing === 0)) {
      if (this.#headBytes < HEAD) {
        at = this.#takeHead(chunk, at)
        continue
      }
      const part = chunk.subarray(at, at + this.#missing)
      at += part.length
      this.#missing -= part.length
      this.#parts.push(part)
      if (this.#missing === 0) this.#finish(consumer)
    }
  }

  #takeHead(chunk: Uint8Array, from: number): number {
    const part = chunk.subarray(from, from + HEAD - this.#headBytes)
    this.#head.set(part, this.#headBytes)
    this.#headBytes += part.length
    if (this.#headBytes === HEAD) this.#begin()
    return from + part.length
  }

  #begin(): void {
    const kind = this.#head[0] as number
    const length = new DataView(this.#head.buffer).getUint32(1)
    if (kind !== RECORD.text && kind !== RECORD.binary && kind !== RECORD.close) {
      throw new RecordError(`${kind} is no kind of message`)
    }
    const most = kind === RECORD.close ? CLOSE_CODE + MAX_REASON : this.#limit
    if (length > most || (kind === RECORD.close && length === 1)) {
      throw new RecordError(`a message of ${length} bytes, at most ${most}`)
    }
    this.#missing = length
  }

  #finish(consumer: RecordConsumer): void {
    const parts = this.#parts
    const kind = this.#head[0] as RecordKind
    this.#parts = []
    this.#headBytes = 0
    consumer(kind, parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts))
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
