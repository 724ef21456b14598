import { once } from 'node:events'
import type { Context } from '../context.ts'
import { headerOf } from '../headers.ts'
import { type Decompress, decompressorOf, ENCODINGS, takesGzip, toGzip } from './compression.ts'
import { compressedFrame, messageFrame, messagesOf, statusFields, trailersFrame } from './frames.ts'
import { GrpcError } from './grpc-error.ts'

const OK = 0
const INVALID_ARGUMENT = 3

/** Bytes travel in base64 (gRPC over HTTP/2, Binary-Header). */
function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('base64')
}

async function packedFrame(message: Uint8Array): Promise<Buffer> {
  const packed = await toGzip(message)
  return packed === undefined ? messageFrame(message) : compressedFrame(packed)
}

/** @internal */
export interface CallOptions {
  /** Bytes of one message of the client. */
  readonly maxMessage: number
  /** Messages are compressed where the client takes that. */
  readonly compress: boolean
}

/** One call of a gRPC method. Messages are bytes: decode them by whatever makes your messages. */
export class GrpcCall {
  /** `/package.Service/Method` */
  readonly path: string
  readonly #ctx: Context
  readonly #maxMessage: number
  readonly #compress: boolean
  readonly #trailers: string[] = []
  /** Messages that are being compressed leave in the order they were sent. */
  #sending: Promise<void> = Promise.resolve()
  #decompress: Decompress | undefined
  #begun = false
  #messages: AsyncIterable<Uint8Array> | undefined

  /** @internal */
  constructor(ctx: Context, path: string, { maxMessage, compress }: CallOptions) {
    this.#ctx = ctx
    this.path = path
    this.#maxMessage = maxMessage
    this.#compress = compress && takesGzip(headerOf(ctx.rawHeaders, 'grpc-accept-encoding'))
  }

  /** @internal Finds how messages are decompressed. @throws GrpcError where that is not known. */
  open(): void {
    try {
      this.#decompress = decompressorOf(headerOf(this.#ctx.rawHeaders, 'grpc-encoding'))
    } catch (error) {
      this.header('grpc-accept-encoding', ENCODINGS)
      throw error
    }
  }

  /** The call below: who calls, deadline, signal, calls of other services. */
  get ctx(): Context {
    return this.#ctx
  }

  /** What the client sent along; names in lower case, values of `-bin` names in base64. */
  get metadata(): Record<string, string> {
    return this.#ctx.headers
  }

  /** The client's messages, one after the other; read no faster than you take them. */
  get messages(): AsyncIterable<Uint8Array> {
    this.#messages ??= messagesOf(this.#ctx, {
      maxMessage: this.#maxMessage,
      decompress: this.#decompress,
    })
    return this.#messages
  }

  /** The one message of a unary call. @throws GrpcError where there is none. */
  async message(): Promise<Uint8Array> {
    for await (const message of this.messages) return message
    throw new GrpcError(INVALID_ARGUMENT, 'the request has no message')
  }

  /** Metadata before the first message. Bytes are for names that end in `-bin`. */
  header(name: string, value: string | Uint8Array): this {
    this.#ctx.header(name, textOf(value))
    return this
  }

  /** Metadata after the last message. Bytes are for names that end in `-bin`. */
  trailer(name: string, value: string | Uint8Array): this {
    this.#trailers.push(name.toLowerCase(), textOf(value).replaceAll(/[\r\n]/g, ' '))
    return this
  }

  /** Sends a message; resolves when more may be sent. */
  async send(message: Uint8Array): Promise<void> {
    this.#begin()
    if (!this.#compress) {
      await this.#write(messageFrame(message))
      return
    }
    const sent = this.#sending.then(async () => this.#write(await packedFrame(message)))
    this.#sending = sent.catch(() => {})
    await sent
  }

  async #write(frame: Buffer): Promise<void> {
    if (!this.#ctx.write(frame)) await once(this.#ctx, 'drain', { signal: this.#ctx.signal })
  }

  /** @internal Ends the call well with one message. */
  async answer(message: Uint8Array): Promise<void> {
    if (!this.#compress) this.#end(statusFields(OK, ''), messageFrame(message))
    else {
      await this.send(message)
      await this.finish(OK, '')
    }
  }

  /** @internal Ends the call with a status. */
  async finish(status: number, message: string): Promise<void> {
    if (this.#compress) await this.#sending
    if (!this.#ctx.cancelled) this.#end(statusFields(status, message))
  }

  #end(status: readonly string[], last?: Buffer): void {
    const trailers = trailersFrame([...this.#trailers, ...status])
    const begun = this.#begun
    this.#begin()
    const frames = last === undefined ? trailers : Buffer.concat([last, trailers])
    if (begun) this.#ctx.end(frames)
    else this.#ctx.send(frames)
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#ctx.defaultHeader('content-type', 'application/grpc')
    if (this.#compress) this.#ctx.header('grpc-encoding', 'gzip')
  }
}
