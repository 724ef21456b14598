import { Readable } from 'node:stream'
import type { CallError, CallHandle, CallRequest, CallSink } from '@flatend/rpc'
import { BodyQueue, type BodySource } from './body-queue.ts'
import { NodeError } from './errors.ts'
import { flattenHeaders, headerOf } from './headers.ts'
import { type CallOptions, Reply } from './reply.ts'

/** Whatever starts a call: the node's caller, which chooses a provider, or one peer. */
export interface CallOpener {
  open(request: CallRequest, sink: CallSink): CallHandle
}

/** What is called. */
export interface CallTarget {
  readonly services: readonly string[]
  readonly body: unknown
  /** Deadline where the options name none, in milliseconds. */
  readonly timeoutMs?: number | undefined
}

/** Starts a call and resolves with the reply's head; its body follows by {@link Reply}. */
export function startCall(
  opener: CallOpener,
  target: CallTarget,
  options: CallOptions,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { signal, idempotent, key, timeoutMs = target.timeoutMs } = options
    const headers = checkHeaders(flattenHeaders(options.headers))
    const body = encodeBody(target.body, headers)
    if (signal?.aborted) {
      destroy(body)
      reject(abortReason(signal))
      return
    }
    const request: { -readonly [K in keyof CallRequest]: CallRequest[K] } = {
      services: target.services,
      headers,
    }
    if (timeoutMs !== undefined) request.timeoutMs = timeoutMs
    if (idempotent !== undefined) request.idempotent = idempotent
    if (key !== undefined) request.key = key
    new OutgoingCall({ resolve, reject, signal }).start(opener, request, body)
  })
}

/** Names beginning with ":" are the protocol's and the gateway's, and cannot be forged. */
function checkHeaders(headers: string[]): string[] {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.startsWith(':') !== true) continue
    throw new NodeError(
      'FLATEND_NODE_HEADER_RESERVED',
      `header "${headers[i]}": names beginning with ":" are reserved`,
    )
  }
  return headers
}

interface Settle {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
}

type Body = Uint8Array | AsyncIterable<unknown> | Iterable<unknown> | undefined

/** Why a request is broken off that was answered already. */
const ANSWERED = 'the answer is complete'

class OutgoingCall implements CallSink, BodySource {
  readonly #settle: Settle
  readonly #queue: BodyQueue
  readonly #onAbort: (() => void) | undefined
  #handle: CallHandle | undefined
  #reply: Reply | undefined
  #ended = false
  #onDrain: (() => void) | undefined
  /** The request body, where it is a stream that is not sent yet, or not whole. */
  #source: unknown
  #early = 0

  constructor(settle: Settle) {
    this.#settle = settle
    this.#queue = new BodyQueue(this)
    const { signal } = settle
    if (signal) {
      this.#onAbort = () => this.#abort(abortReason(signal))
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  start(opener: CallOpener, request: CallRequest, body: Body): void {
    if (!isWhole(body)) this.#source = body
    try {
      this.#handle = opener.open(request, this)
    } catch (error) {
      this.#finish()
      this.#settle.reject(error)
      return
    }
    // A provider within this process may have answered before `open` returned.
    if (this.#early > 0) this.#handle.consumed(this.#early)
    if (this.#ended && this.#reply === undefined) return
    if (isWhole(body)) this.#handle.end(body)
    else if (this.#ended) this.#handle.cancel(ANSWERED)
    else void this.#pump(body, this.#handle)
  }

  response(status: number, headers: readonly string[]): void {
    this.#reply = new Reply({ status, headers }, this.#queue, this)
    this.#settle.resolve(this.#reply)
  }

  data(chunk: Uint8Array): void {
    this.#queue.push(chunk)
  }

  end(): void {
    // The rest of a request that is answered already is wanted by nobody.
    if (this.#source) this.#handle?.cancel(ANSWERED)
    this.#finish()
    this.#queue.close()
  }

  fail(error: CallError): void {
    this.#stop(error)
  }

  consumed(bytes: number): void {
    if (this.#handle) this.#handle.consumed(bytes)
    else this.#early += bytes
  }

  refused(): void {
    this.cancel()
  }

  /** The caller's own listener: as of any event, but not where a connection would end for it. */
  threw(error: unknown): void {
    process.nextTick(() => {
      throw error
    })
  }

  drain(): void {
    const resume = this.#onDrain
    this.#onDrain = undefined
    resume?.()
  }

  async #pump(body: AsyncIterable<unknown> | Iterable<unknown>, handle: CallHandle): Promise<void> {
    try {
      for await (const chunk of body) {
        if (this.#ended) return
        if (!handle.write(toBytes(chunk))) {
          await new Promise<void>((resolve) => {
            this.#onDrain = resolve
          })
        }
      }
      this.#source = undefined
      if (!this.#ended) handle.end()
    } catch (error) {
      if (this.#ended) return
      handle.cancel('the request body failed')
      this.#stop(error)
    }
  }

  #abort(reason: unknown): void {
    this.cancel()
    this.#stop(reason)
  }

  /** The answer, or the rest of it, is not wanted. */
  cancel(): void {
    if (this.#ended) return
    this.#handle?.cancel('cancelled by the caller')
    this.#finish()
  }

  #stop(reason: unknown): void {
    this.#finish()
    const error = reason instanceof Error ? reason : new Error(String(reason))
    if (this.#reply) this.#reply.fail(error)
    else {
      this.#queue.fail(error)
      this.#settle.reject(reason)
    }
  }

  #finish(): void {
    this.#ended = true
    destroy(this.#source)
    this.#source = undefined
    if (this.#onAbort) this.#settle.signal?.removeEventListener('abort', this.#onAbort)
    this.drain()
  }
}

/** Ends a Node stream that waits for more, which leaving a loop over it would not. */
function destroy(source: unknown): void {
  if (source instanceof Readable) source.destroy()
}

function isWhole(body: Body): body is Uint8Array | undefined {
  return body === undefined || body instanceof Uint8Array
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('This operation was aborted', 'AbortError')
}

/** Bytes and text as they are, streams as streams, everything else as JSON, which the headers then say. */
function encodeBody(body: unknown, headers: string[]): Body {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  // As a Node stream, since one that says nothing can be ended; its chunks stay what they are.
  if (body instanceof ReadableStream)
    return Readable.fromWeb(body, { objectMode: true, highWaterMark: 1 })
  if (isStream(body)) return body
  const json = JSON.stringify(body)
  if (json === undefined) {
    throw new NodeError('FLATEND_NODE_BODY', `a ${typeof body} cannot be sent as a body`)
  }
  if (headerOf(headers, 'content-type') === undefined) {
    headers.push('content-type', 'application/json')
  }
  return Buffer.from(json)
}

function isStream(body: unknown): body is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
  return Symbol.asyncIterator in body || Symbol.iterator in body
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  throw new NodeError(
    'FLATEND_NODE_BODY',
    `a body stream gives strings or bytes, this one gave a ${typeof chunk}`,
  )
}
