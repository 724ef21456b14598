import { once } from 'node:events'
import type { Context } from '../context.ts'
import { messageFrame, messagesOf, statusFields, trailersFrame } from './frames.ts'
import { GrpcError } from './grpc-error.ts'

const INVALID_ARGUMENT = 3

/** Bytes travel in base64 (gRPC over HTTP/2, Binary-Header). */
function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('base64')
}

/** One call of a gRPC method. Messages are bytes: decode them by whatever makes your messages. */
export class GrpcCall {
  /** `/package.Service/Method` */
  readonly path: string
  readonly #ctx: Context
  readonly #maxMessage: number
  readonly #trailers: string[] = []
  #begun = false
  #messages: AsyncIterable<Uint8Array> | undefined

  /** @internal */
  constructor(ctx: Context, path: string, maxMessage: number) {
    this.#ctx = ctx
    this.path = path
    this.#maxMessage = maxMessage
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
    this.#messages ??= messagesOf(this.#ctx, this.#maxMessage)
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
    if (this.#ctx.write(messageFrame(message))) return
    await once(this.#ctx, 'drain', { signal: this.#ctx.signal })
  }

  /** @internal Ends the call with a status; `last` is sent before it. */
  finish(status: number, message: string, last?: Uint8Array): void {
    const trailers = trailersFrame([...this.#trailers, ...statusFields(status, message)])
    const begun = this.#begun
    this.#begin()
    const frames = last === undefined ? trailers : Buffer.concat([messageFrame(last), trailers])
    if (begun) this.#ctx.end(frames)
    else this.#ctx.send(frames)
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#ctx.defaultHeader('content-type', 'application/grpc')
  }
}
