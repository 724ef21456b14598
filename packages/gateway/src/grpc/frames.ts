import { headerOf } from '../transfer/request-record.ts'
import { GRPC, statusFields, statusOf } from './status.ts'

/** A flag (1 byte) and a length (4 bytes) before each message. */
const HEAD = 5
/** The frame holds trailers (gRPC-Web). */
const TRAILERS = 0x80
/** The message is compressed by what `grpc-encoding` says. */
const COMPRESSED = 1
/** Bytes and number of all trailers: what a call's fields may have. */
const MAX_TRAILERS = 32_768
const MAX_FIELDS = 128
const NAME = /^[!#$%&'*+.^`|~\w-]+$/
const BAD_VALUE = /[^\t -~\u0080-\uffff]/
/** Fields of HTTP that are none of a message's trailers. */
const NO_TRAILER =
  /^(?:(?:proxy-)?connection|content-.*|host|http2-settings|keep-alive|te|trailer|transfer-encoding|upgrade)$/

/** A body that is not made of gRPC messages, or has one that is too large. */
export class FrameError extends Error {
  /** gRPC's number. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'FrameError'
    this.status = status
  }
}

export interface ScannerOptions {
  /** Bytes of one message. */
  readonly maxMessage: number
  /** The body may end with a frame of trailers: an answer's, not a request's. */
  readonly trailers: boolean
  /** Messages may be compressed: there is a `grpc-encoding`. */
  readonly compressed: boolean
}

/** Whether the fields of a head say that messages of its body may be compressed. */
export function mayCompress(headers: readonly string[]): boolean {
  return (headerOf(headers, 'grpc-encoding') ?? 'identity') !== 'identity'
}

/** Follows the messages of a body as it passes, keeping none, and takes its trailers out. */
export class FrameScanner {
  readonly #options: ScannerOptions
  readonly #head = new Uint8Array(HEAD)
  #headLength = 0
  /** Bytes of the current frame still to come. */
  #left = 0
  #trailers: Uint8Array | undefined
  #trailersLength = 0

  constructor(options: ScannerOptions) {
    this.#options = options
  }

  /** Whether the body may end here. */
  get complete(): boolean {
    return this.#headLength === 0 && this.#left === 0
  }

  /** Fields of the frame of trailers, once it is complete. */
  get trailers(): readonly string[] | undefined {
    if (this.#trailers === undefined || this.#left > 0) return undefined
    return parseTrailers(new TextDecoder().decode(this.#trailers))
  }

  /** Takes the next bytes; returns those that belong to messages. @throws FrameError */
  scan(chunk: Uint8Array): Uint8Array {
    const held = this.#head.slice(0, this.#headLength)
    let at = 0
    let end = 0
    while (at < chunk.length && this.#trailers === undefined) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
      } else at = this.#takeHead(chunk, at)
      // A head that is not whole may be that of trailers: it is kept until that is known.
      if (this.#headLength === 0 && this.#trailers === undefined) end = at
    }
    if (this.#trailers !== undefined) this.#takeTrailers(chunk.subarray(at))
    if (end === 0 || held.length === 0) return chunk.subarray(0, end)
    const passed = new Uint8Array(held.length + end)
    passed.set(held)
    passed.set(chunk.subarray(0, end), held.length)
    return passed
  }

  /** Takes bytes of a frame's head. */
  #takeHead(chunk: Uint8Array, from: number): number {
    let at = from
    while (this.#headLength < HEAD && at < chunk.length) {
      this.#head[this.#headLength++] = chunk[at++] as number
    }
    if (this.#headLength < HEAD) return at
    this.#headLength = 0
    const head = new DataView(this.#head.buffer)
    this.#left = head.getUint32(1)
    const trailers = this.#isTrailers(head.getUint8(0))
    const limit = trailers ? MAX_TRAILERS : this.#options.maxMessage
    if (this.#left > limit) {
      const message = `a message of ${this.#left} bytes, at most ${limit} are taken`
      throw new FrameError(GRPC.resourceExhausted, message)
    }
    if (trailers) this.#trailers = new Uint8Array(this.#left)
    return at
  }

  #isTrailers(flags: number): boolean {
    if (flags === 0 || (flags === COMPRESSED && this.#options.compressed)) return false
    if (flags === TRAILERS && this.#options.trailers) return true
    const what =
      flags === COMPRESSED
        ? 'a compressed message without a grpc-encoding'
        : `a frame of unknown flags (${flags})`
    throw new FrameError(GRPC.internal, what)
  }

  #takeTrailers(rest: Uint8Array): void {
    if (rest.length > this.#left) {
      throw new FrameError(GRPC.internal, 'something after its trailers')
    }
    this.#trailers?.set(rest, this.#trailersLength)
    this.#trailersLength += rest.length
    this.#left -= rest.length
  }
}

/** Reads `name: value` lines; what is no field of HTTP is left out. */
function parseTrailers(text: string): readonly string[] {
  const fields: string[] = []
  for (const line of text.split(/\r?\n/, MAX_FIELDS)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (NAME.test(name) && !NO_TRAILER.test(name) && !BAD_VALUE.test(value))
      fields.push(name, value)
  }
  return fields
}

/** A frame of trailers for those who cannot read HTTP's. */
export function trailersFrame(fields: readonly string[]): Uint8Array {
  let text = ''
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  const body = new TextEncoder().encode(text)
  const frame = new Uint8Array(HEAD + body.length)
  frame[0] = TRAILERS
  new DataView(frame.buffer).setUint32(1, body.length)
  frame.set(body, HEAD)
  return frame
}

/** The status that ends a body: the service's, else that it gave none. */
export function endOf(scanner: FrameScanner): readonly string[] {
  if (!scanner.complete) {
    return statusFields(GRPC.internal, 'The answer of the service ends within a message.')
  }
  const trailers = scanner.trailers ?? []
  if (statusOf(trailers) !== undefined) return trailers
  const others = trailers.filter((_, i) => trailers[i - (i % 2)] !== 'grpc-status')
  return [...others, ...statusFields(GRPC.unknown, 'The service gave no status.')]
}
