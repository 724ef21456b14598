import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { RequestBody } from '../driver.ts'
import type { Stall, StallWatch } from './stall.ts'

interface Waiter {
  readonly resolve: (chunk: Uint8Array | null) => void
  readonly reject: (error: Error) => void
}

export interface NodeBodyOptions {
  readonly length: number | undefined
  readonly stalls: StallWatch
  /** The client sends nothing for too long. */
  readonly onStall: () => void
  /** The first read: a client that asked whether to go on (RFC 9110 §10.1.1) is told to. */
  readonly onFirstRead: () => void
}

/** A request without a body: reading it costs nothing. */
export function noBody(length: number | undefined): RequestBody {
  return { length, read: () => Promise.resolve(null), cancel: () => {} }
}

/** Body of a request, taken from Node's stream one buffer at a time; the stream's own limit holds. */
export class NodeBody implements RequestBody {
  readonly length: number | undefined
  readonly #stream: IncomingMessage
  readonly #options: NodeBodyOptions
  #started = false
  #ended = false
  #cancelled = false
  #error: Error | undefined
  #waiter: Waiter | undefined
  #stall: Stall | undefined

  constructor(stream: IncomingMessage, options: NodeBodyOptions) {
    this.length = options.length
    this.#stream = stream
    this.#options = options
    stream.on('error', (error) => this.fail(error))
  }

  read(patient = false): Promise<Uint8Array | null> {
    if (this.#cancelled) return Promise.resolve(null)
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended) return Promise.resolve(null)
    if (this.#waiter !== undefined) return Promise.reject(new Error('one read at a time'))
    this.#start()
    const chunk = this.#stream.read() as Buffer | null
    if (chunk !== null) return Promise.resolve(chunk)
    if (!patient) this.#stall = this.#options.stalls.begin(this.#options.onStall)
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  cancel(): void {
    if (this.#cancelled) return
    this.#cancelled = true
    this.#take()?.resolve(null)
    this.#drop()
  }

  /** The answer is out. What came before it can be read to its end, the rest is dropped. */
  answered(): void {
    if (this.#ended || (this.#stream.complete && this.#stream.readableLength === 0)) return
    this.fail(new Error('the request is answered already'))
    this.#drop()
  }

  /** The client is gone. */
  fail(error: Error): void {
    if (this.#ended) return
    this.#error ??= error
    this.#take()?.reject(this.#error)
  }

  /**
   * Reads what still comes, and what did, and drops it: so that the connection can be used again, and
   * a stream of HTTP/2 ends, which it does not before it is read to its end.
   */
  #drop(): void {
    // While somebody listens for this, nothing flows.
    this.#stream.off('readable', this.#onReadable)
    this.#stream.resume()
  }

  #start(): void {
    if (this.#started) return
    this.#started = true
    this.#options.onFirstRead()
    this.#stream.on('readable', this.#onReadable)
    const { stream } = this.#stream as { readonly stream?: ServerHttp2Stream }
    this.#stream.on('end', () => {
      // Node ends a stream that was reset as if all had come.
      if (stream?.aborted === true) {
        this.fail(new Error('the client closed the connection'))
        return
      }
      this.#ended = true
      this.#take()?.resolve(null)
    })
  }

  readonly #onReadable = (): void => {
    if (this.#waiter === undefined || this.#cancelled) return
    const chunk = this.#stream.read() as Buffer | null
    if (chunk !== null) this.#take()?.resolve(chunk)
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    this.#options.stalls.end(this.#stall)
    this.#stall = undefined
    return waiter
  }
}
