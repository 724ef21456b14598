import type { Decompress } from './compression.ts'
import { GrpcError } from './grpc-error.ts'

const HEAD = 5
const COMPRESSED = 1
const TRAILERS = 0x80
const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13

function frame(flags: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUInt8(flags, 0)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** A message as it stands in a body. */
export function messageFrame(message: Uint8Array): Buffer {
  return frame(0, message)
}

/** One that `grpc-encoding` tells how to undo. */
export function compressedFrame(message: Uint8Array): Buffer {
  return frame(COMPRESSED, message)
}

/** The end of a body: the status and what else is told with it. */
export function trailersFrame(fields: readonly string[]): Buffer {
  let text = ''
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return frame(TRAILERS, Buffer.from(text))
}

function percent(byte: number): string {
  if (byte >= 0x20 && byte <= 0x7e && byte !== 0x25) return String.fromCharCode(byte)
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** Status and message as fields; the message percent-encoded but for printable ASCII. */
export function statusFields(code: number, message: string): string[] {
  if (message === '') return ['grpc-status', `${code}`]
  const encoded = Array.from(Buffer.from(message), percent).join('')
  return ['grpc-status', `${code}`, 'grpc-message', encoded]
}

/** How messages are read. */
export interface MessageOptions {
  /** Bytes of one, as it is sent and decompressed. */
  readonly maxMessage: number
  /** `undefined`: none may be compressed. */
  readonly decompress: Decompress | undefined
}

/**
 * The messages of a body, of which no more than one is kept.
 * @throws GrpcError where one is too long or cannot be decompressed, or the body ends within one.
 */
export async function* messagesOf(
  body: AsyncIterable<Uint8Array>,
  { maxMessage, decompress }: MessageOptions,
): AsyncGenerator<Buffer> {
  const kept = new Pieces()
  let head: MessageHead | undefined
  for await (const chunk of body) {
    kept.add(chunk)
    for (;;) {
      if (head === undefined && kept.length >= HEAD) head = headOf(kept.take(HEAD), maxMessage)
      if (head === undefined || kept.length < head.length) break
      const message = kept.take(head.length)
      if (!head.compressed) yield message
      else if (decompress !== undefined) yield await decompress(message, maxMessage)
      else throw new GrpcError(INTERNAL, 'a message is compressed, without a grpc-encoding')
      head = undefined
    }
  }
  if (head !== undefined || kept.length > 0) {
    throw new GrpcError(INTERNAL, 'the request ends within a message')
  }
}

/** Bytes in the pieces they came in; joined once, where they are taken. */
class Pieces {
  #pieces: Buffer[] = []
  length = 0

  add(piece: Uint8Array): void {
    this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    this.length += piece.length
  }

  take(count: number): Buffer {
    const [first] = this.#pieces
    const all =
      first !== undefined && first.length >= count ? first : Buffer.concat(this.#pieces.splice(0))
    if (all !== first) this.#pieces.push(all)
    if (all.length === count) this.#pieces.shift()
    else this.#pieces[0] = all.subarray(count)
    this.length -= count
    return all.subarray(0, count)
  }
}

interface MessageHead {
  readonly compressed: boolean
  readonly length: number
}

function headOf(head: Buffer, maxMessage: number): MessageHead {
  const flags = head.readUInt8(0)
  if (flags > COMPRESSED) throw new GrpcError(INTERNAL, `a message has unknown flags (${flags})`)
  const length = head.readUInt32BE(1)
  if (length <= maxMessage) return { compressed: flags === COMPRESSED, length }
  throw new GrpcError(RESOURCE_EXHAUSTED, `a message of ${length} bytes, at most ${maxMessage}`)
}
