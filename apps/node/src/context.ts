import type { Readable } from 'node:stream'
import type { TraceFields } from '@flatend/gateway'
import type { CallError, IncomingCall } from '@flatend/rpc'
import { BodyQueue, collectStream } from './body-queue.ts'
import { describeFailure } from './describe-failure.ts'
import { NodeError } from './errors.ts'
import {
  fieldsUnder,
  flattenHeaders,
  type HeadersInit,
  headerOf,
  headersToRecord,
} from './headers.ts'
import { CallSink, CallSource } from './incoming-body.ts'
import { LazyDuplex, type LazyHooks } from './lazy-duplex.ts'
import type { PeerId } from './peer-id.ts'
import type { CallFunction, CallOptions, Reply } from './reply.ts'
import { headersIn, traceOf } from './tracing/trace.ts'
import {
  acceptProtocol,
  asksForWebSocket,
  ServiceWebSocket,
  type WebSocketOptions,
} from './web-socket.ts'

const SWITCHING = 101

/** How much of a request body {@link Context.body} takes, in bytes, unless told. */
export const DEFAULT_BODY_LIMIT = 65_536

/** What a {@link Context} needs of who runs its handler. */
export interface ContextOwner {
  readonly call: CallFunction
  /** A listener the handler left behind threw. */
  readonly failed: (ctx: Context, error: unknown) => void
}

/**
 * One request being answered: a Node Duplex. What is read from it is the request's body, what is
 * written to it is the answer's, with backpressure both ways.
 *
 * Answer by returning a value from the handler, by {@link Context.send} or {@link Context.json}, or
 * by writing and ending the stream (`source.pipe(ctx)`). Status and headers leave with the first
 * byte; set them before.
 */
export class Context extends LazyDuplex implements LazyHooks {
  /** Who calls: the proven public key and, where it has one, the address it may be reached at. */
  readonly id: PeerId
  /** The service that is being called. */
  readonly service: string
  readonly #call: IncomingCall
  readonly #owner: ContextOwner
  readonly #queue: BodyQueue
  #headers: Record<string, string> | undefined
  #params: Record<string, string> | undefined
  #query: Record<string, string> | undefined
  #abort: AbortController | undefined
  #status = 200
  readonly #out: string[] = []
  #responded = false
  #finished = false
  #cancelled: CallError | undefined
  #onDrain: (() => void) | undefined
  #trace: TraceFields | undefined
  #onOver: ((failure?: string) => void) | undefined
  #socket: ServiceWebSocket | undefined
  /** Somebody used the Duplex. */
  #made = false
  #streaming = false
  #wanted = false

  constructor(call: IncomingCall, id: PeerId, owner: ContextOwner) {
    super()
    this.id = id
    this.service = call.service
    this.#call = call
    this.#owner = owner
    // A Duplex has an `end` of its own: what the connection tells comes to objects apart.
    this.#queue = new BodyQueue(new CallSource(call, this))
    call.accept(new CallSink(this.#queue, this))
  }

  /** @internal The Duplex was just made: it takes up the state the call is in. */
  onStream(): void {
    this.#made = true
    // A call that ends early must not take the process down where a handler listens to nothing.
    this.on('error', ignore)
    this.once('pipe', (source: Readable) => {
      this.#streaming = true
      source.once('error', (error) => this.destroy(error))
    })
    if (this.#cancelled) this.destroy(this.#cancelled)
    else if (this.#finished) this.end()
  }

  /** The request's headers by name, repeats joined by `, `; a record without prototype. */
  get headers(): Record<string, string> {
    this.#headers ??= headersToRecord(this.#call.headers)
    return this.#headers
  }

  /** The request's headers as they came: name, value, name, value …, repeats kept. */
  get rawHeaders(): readonly string[] {
    return this.#call.headers
  }

  /** Path parameters of the gateway's route, percent-decoded. */
  get params(): Record<string, string> {
    this.#params ??= fieldsUnder(this.#call.headers, 'params.')
    return this.#params
  }

  /** Query parameters of the HTTP request, percent-decoded; the last value of each. */
  get query(): Record<string, string> {
    this.#query ??= fieldsUnder(this.#call.headers, 'query.')
    return this.#query
  }

  /**
   * Where this request belongs in a trace (W3C Trace Context), for logs and for calls by other means;
   * {@link Context.call} passes it on by itself. `undefined` where the caller names none.
   */
  get trace(): TraceFields | undefined {
    return this.#trace ?? traceOf(this.#call.headers)
  }

  /** Aborts when the caller is gone, gave up or its deadline passed. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#cancelled) this.#abort.abort(this.#cancelled)
    return this.#abort.signal
  }

  /** Milliseconds left until the caller's deadline. */
  get timeoutMs(): number {
    return this.#call.timeoutMs
  }

  /** Whether the caller is gone, so that nobody waits for an answer. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined
  }

  /** Whether anything was answered yet, or a stream is being piped into the answer. */
  get answered(): boolean {
    return (
      this.#responded || this.#finished || (this.#made && (this.#streaming || this.writableEnded))
    )
  }

  /** Sets a header of the answer; a name set twice is sent twice. */
  header(name: string, value: string | number): this {
    this.#expectNotSent(`header ${name}`)
    this.#out.push(name, String(value))
    return this
  }

  /** Sets the answer's status, 100 to 599. @default 200 */
  status(code: number): this {
    this.#expectNotSent(`status ${code}`)
    if (!Number.isInteger(code) || code < 100 || code > 599)
      throw new NodeError('FLATEND_NODE_STATUS', `status ${code}: use a whole number, 100 to 599`)
    this.#status = code
    return this
  }

  #expectNotSent(what: string): void {
    if (!this.#responded) return
    throw new NodeError(
      'FLATEND_NODE_HEADERS_SENT',
      `${what} comes too late: set it before the first byte of the answer`,
    )
  }

  /** Sets a header of the answer unless it is set already. */
  defaultHeader(name: string, value: string): this {
    return headerOf(this.#out, name) === undefined ? this.header(name, value) : this
  }

  /** Several headers at once; see {@link Context.header}. */
  setHeaders(init: HeadersInit): this {
    const flat = flattenHeaders(init)
    for (let i = 0; i < flat.length; i += 2) this.header(flat[i] as string, flat[i + 1] as string)
    return this
  }

  /** Sends the last piece of the answer and completes it. */
  send(data: string | Uint8Array = ''): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const made = this.#made
    if (made && (this.#streaming || this.writableLength > 0 || this.writableEnded)) {
      this.end(bytes)
      return
    }
    this.#finish(bytes)
    // Completes the Duplex too, for whoever listens to it.
    if (made) this.end()
  }

  /** Sends `value` as JSON and completes the answer. */
  json(value: unknown): void {
    const body = JSON.stringify(value)
    if (body === undefined)
      throw new NodeError('FLATEND_NODE_JSON', `${typeof value} has no form in JSON`)
    this.header('content-type', 'application/json')
    this.send(body)
  }

  /**
   * The whole request body.
   * @param options.limit - most bytes taken. @default 65_536
   * @throws NodeError `FLATEND_NODE_BODY_LIMIT` where the body is longer.
   */
  body({ limit = DEFAULT_BODY_LIMIT }: { readonly limit?: number } = {}): Promise<Buffer> {
    if (this.#wanted || (this.#made && this.readableLength > 0)) return collectStream(this, limit)
    return this.#queue.collect(limit)
  }

  /** With options the same as {@link Context.body}; with a number or nothing, as of any Readable. */
  override read(size?: number): Buffer | null
  override read(options: { readonly limit?: number }): Promise<Buffer>
  override read(argument?: number | { readonly limit?: number }): unknown {
    return typeof argument === 'object' ? this.body(argument) : super.read(argument)
  }

  /** Whether the client asks for a WebSocket. */
  get isWebSocket(): boolean {
    return asksForWebSocket(this.headers)
  }

  /**
   * Takes the client's WebSocket, with the headers set before; a second call gives the same. Without
   * it the handler's answer is an ordinary one, such as 401, and there is no WebSocket.
   * @throws NodeError `FLATEND_NODE_NO_WEBSOCKET` (shown, 426) where the client asks for none
   */
  webSocket(options: WebSocketOptions = {}): ServiceWebSocket {
    this.#socket ??= this.#accept(options)
    return this.#socket
  }

  /** @internal The handler is done: its WebSocket, if there is one, is closed. */
  closeWebSocket(): void {
    this.#socket?.close()
  }

  /** Calls another service within this request's deadline; cancelled when the request is. */
  call(
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> {
    const timeoutMs = Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, this.timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, this.signal]) : this.signal
    const headers = headersIn(this.trace, options.headers)
    const traced = headers === undefined ? options : { ...options, headers }
    return this.#owner.call(service, body, { ...traced, timeoutMs, signal })
  }

  /** @internal What is called from here belongs below a span. */
  traceAs(trace: TraceFields): void {
    this.#trace = trace
  }

  /** @internal Tells once when the answer is complete, or why it never will be. */
  whenOver(listener: (failure?: string) => void): void {
    this.#onOver = listener
  }

  #over(failure?: string): void {
    const tell = this.#onOver
    this.#onOver = undefined
    tell?.(failure)
  }

  /** @internal The answer may go on. */
  onDrain(): void {
    const resume = this.#onDrain
    this.#onDrain = undefined
    resume?.()
    this.#socket?.onDrain()
  }

  /** @internal A listener of the handler's threw: its call fails, and no other. */
  onThrown(error: unknown): void {
    this.#owner.failed(this, error)
  }

  /** @internal The call is over: nobody waits for an answer. */
  onCancel(error: CallError): void {
    if (this.#finished && this.#queue.closed) return
    this.#finished = true
    this.#over(error.message)
    this.#cancelled = error
    this.#queue.fail(error)
    this.#abort?.abort(error)
    this.#socket?.onGone()
    this.#discard(error)
  }

  /** Nothing is read or written any more. */
  #discard(error?: Error): void {
    if (this.#made) this.destroy(error)
    else this.#queue.discard()
  }

  // --- Duplex. ---

  /** Reads the body; the answer's side stays open, where a Duplex would destroy itself at the end. */
  override [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  }

  override _read(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#pump()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#finished) {
      done(this.#cancelled ?? new NodeError('FLATEND_NODE_ENDED', 'the answer is complete already'))
      return
    }
    try {
      this.#respond()
      if (this.#call.write(chunk)) done()
      else this.#onDrain = done
    } catch (error) {
      // Thrown, it would come out at whatever socket or timer filled a stream that is piped here.
      done(error as Error)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#finished) this.#finish()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#queue.discard()
    if (!this.#finished) this.failWith(error)
    done(error)
  }

  /** Nothing ran: the caller may ask somebody else. */
  refuse(): void {
    this.#finished = true
    this.#over('refused')
    this.#call.fail(1, 'the service was just taken away', false)
    this.#discard()
  }

  /** Ends the call with an error: status 500 where nothing was sent, else a broken body. */
  failWith(error: unknown): void {
    if (this.#finished) return
    const { status, message } = describeFailure(error)
    this.#over(error instanceof Error ? error.message : 'the handler failed')
    if (this.#responded) {
      this.#finished = true
      this.#call.fail(3, message ?? '', message !== undefined)
      this.#socket?.onFailed()
    } else {
      this.#status = status
      this.#out.splice(0, this.#out.length, 'content-type', 'application/problem+json')
      const problem = { title: message ?? 'The service failed', status }
      this.#finish(Buffer.from(JSON.stringify(problem)))
    }
    this.#discard()
  }

  #accept({ protocols, maxMessage }: WebSocketOptions): ServiceWebSocket {
    const protocol = acceptProtocol(this.headers, protocols)
    if (protocol !== '') this.header('sec-websocket-protocol', protocol)
    this.status(SWITCHING)
    this.#respond()
    const call = {
      queue: this.#queue,
      write: (chunk: Uint8Array) => !this.#finished && this.#call.write(chunk),
      end: (last?: Uint8Array) => {
        if (!this.#finished) this.#finish(last)
      },
    }
    return new ServiceWebSocket(call, protocol, maxMessage)
  }

  #pump(): void {
    this.#queue.read((chunk) => {
      if (chunk === null || !this.push(chunk)) this.#wanted = false
      if (chunk === null) this.push(null)
      return this.#wanted
    })
  }

  #respond(): void {
    if (this.#responded) return
    if (this.#status !== 200 || this.#out.length > 0) this.#call.respond(this.#status, this.#out)
    // Only afterwards: headers that cannot be sent throw, and an answer of status 500 follows.
    this.#responded = true
  }

  #finish(last?: Uint8Array): void {
    this.#respond()
    this.#finished = true
    this.#over()
    if (last === undefined || last.length === 0) this.#call.end()
    else this.#call.end(last)
  }
}

function ignore(): void {}
