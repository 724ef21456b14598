import { Readable } from 'node:stream'
import { CallError } from '@flatend/rpc'
import type { BodyQueue } from './body-queue.ts'
import { type HeadersInit, headerOf, headersToRecord } from './headers.ts'

/** Options of one call. */
export interface CallOptions {
  /** Sent with the request; names beginning with `:` are the protocol's own and refused. */
  readonly headers?: HeadersInit
  /** Cancels the call; the provider's handler sees its own signal fire. */
  readonly signal?: AbortSignal
  /** The call ends after this long at the latest, on both sides, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  /** The call may be run twice without harm, so it may be sent elsewhere if a provider dies. @default false */
  readonly idempotent?: boolean
  /**
   * Calls with the same key go to the same provider while it is there, whoever makes them: functions
   * with state need no coordinator. Only keys of a provider that comes or goes move.
   * @default any provider
   */
  readonly key?: string | Uint8Array
}

/** How much {@link Reply.bytes} and its kin take, in bytes, unless told. */
export const DEFAULT_REPLY_LIMIT: number = 64 * 1024 * 1024

/** The answer to a call. Its body is read once: as bytes, text, JSON, or as a stream. */
export class Reply {
  /** 100 to 599; 200 unless the handler said otherwise. */
  readonly status: number
  /** name, value, name, value …; order and repeats kept. */
  readonly rawHeaders: readonly string[]
  readonly #queue: BodyQueue
  readonly #call: { cancel(): void }
  #headers: Record<string, string> | undefined
  #body: Readable | undefined

  /** @internal */
  constructor(head: ReplyHead, queue: BodyQueue, call: { cancel(): void }) {
    this.status = head.status
    this.rawHeaders = head.headers
    this.#queue = queue
    this.#call = call
  }

  /** Whether the status is in the range 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  /** Headers by name, repeats joined by `, `; a record without prototype. */
  get headers(): Record<string, string> {
    this.#headers ??= headersToRecord(this.rawHeaders)
    return this.#headers
  }

  /** First value of a header, whatever the case of its name. */
  header(name: string): string | undefined {
    return headerOf(this.rawHeaders, name)
  }

  /** The body as a stream. Destroying it, or leaving a `for await` early, cancels the call. */
  get body(): Readable {
    this.#body ??= this.#stream()
    return this.#body
  }

  /**
   * The whole body.
   * @param options.limit - most bytes taken. @default 67_108_864
   * @throws NodeError `FLATEND_NODE_BODY_LIMIT` where it is longer; the call is cancelled then.
   * @throws CallError where the call fails before the body is complete.
   */
  bytes({ limit = DEFAULT_REPLY_LIMIT }: { readonly limit?: number } = {}): Promise<Buffer> {
    return this.#queue.collect(limit)
  }

  /** The whole body as UTF-8; see {@link Reply.bytes}. */
  async text(options?: { readonly limit?: number }): Promise<string> {
    return (await this.bytes(options)).toString('utf8')
  }

  /** The whole body as JSON; see {@link Reply.bytes}. @throws SyntaxError where it is none. */
  async json<T = unknown>(options?: { readonly limit?: number }): Promise<T> {
    return JSON.parse(await this.text(options)) as T
  }

  /** The rest is not wanted: the provider's handler is told to stop. */
  cancel(): void {
    this.#call.cancel()
    // Whoever waits for the rest waits no longer.
    this.#queue.fail(new CallError('cancelled', 'the rest of the answer was given up'))
    this.#queue.discard()
    this.#body?.destroy()
  }

  /** @internal The connection says that the body will not be complete. */
  fail(error: Error): void {
    this.#queue.fail(error)
    this.#body?.destroy(error)
  }

  #stream(): Readable {
    const queue = this.#queue
    const call = this.#call
    const body: Readable = new Readable({
      read(): void {
        queue.read((chunk) => body.push(chunk === null ? null : toBuffer(chunk)))
      },
      destroy(error, done): void {
        if (!queue.closed || !body.readableEnded) {
          queue.discard()
          call.cancel()
        }
        done(error)
      },
    })
    if (queue.error) body.destroy(queue.error)
    return body
  }
}

/** Status and headers of an answer. */
export interface ReplyHead {
  readonly status: number
  readonly headers: readonly string[]
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

/** Calls a service; a node gives its own contexts the one that carries the deadline on. */
export type CallFunction = (
  service: string | readonly string[],
  body?: unknown,
  options?: CallOptions,
) => Promise<Reply>
