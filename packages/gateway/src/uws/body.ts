import type { RequestBody } from '../driver.ts'
import type { Stall, StallWatch } from '../http2/stall.ts'
import type { UwsResponse } from './types.ts'

/** Bytes kept for a reader before the socket is paused: what one read of a socket brings is more. */
const HIGH_WATER = 65_536
/**
 * Bytes kept at the most, where a pause does not hold: the library goes on reading as long as each
 * read is full. What arrives beyond that breaks the connection.
 */
const MAX_KEPT = 16_777_216

interface Waiter {
  readonly resolve: (chunk: Uint8Array | null) => void
  readonly reject: (error: Error) => void
}

/** Body of a request that has none: reading it costs nothing. */
export const EMPTY_BODY: RequestBody = {
  length: 0,
  read: () => Promise.resolve(null),
  cancel: () => {},
}

/** The same, where the client did not say so. */
export const NO_BODY: RequestBody = { ...EMPTY_BODY, length: undefined }

let primed = false

/**
 * The library remembers what to wait for on a socket from the first pause of the process, by whether
 * the socket has something to send. A first pause of an idle one makes sure that it is not nothing.
 */
function prime(response: UwsResponse): void {
  if (primed) return
  primed = true
  response.pause()
  response.resume()
}

export interface UwsBodyOptions {
  readonly length: number | undefined
  readonly stalls: StallWatch
  /** The client sends nothing for too long. */
  readonly onStall: () => void
  /** Something arrived, on the stack of the parser. */
  readonly onArrival: () => void
  /** The whole body arrived. */
  readonly onEnd: () => void
  /** The socket is paused or not any more. */
  readonly onPause: () => void
  /** The client sends on although the socket is paused, and more than can be kept. */
  readonly onOverflow: () => void
}

/**
 * Body of a request, read as it is pulled. {@link HIGH_WATER} and one more read of the socket (512
 * KiB) are kept where the receive buffer is limited, {@link MAX_KEPT} and one more read elsewhere.
 */
export class UwsBody implements RequestBody {
  readonly length: number | undefined
  readonly #options: UwsBodyOptions
  #response: UwsResponse | undefined
  #chunks: Uint8Array[] = []
  #kept = 0
  #ended = false
  #discard = false
  #paused = false
  #error: Error | undefined
  #waiter: Waiter | undefined
  #stall: Stall | undefined

  constructor(response: UwsResponse, options: UwsBodyOptions) {
    this.length = options.length
    this.#options = options
    this.#response = response
    prime(response)
    response.onData((chunk, isLast) => this.#data(chunk, isLast))
  }

  get ended(): boolean {
    return this.#ended
  }

  get paused(): boolean {
    return this.#paused
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#kept -= chunk.length
      if (this.#kept === 0) this.#resume()
      return Promise.resolve(chunk)
    }
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended || this.#discard) return Promise.resolve(null)
    if (this.#waiter !== undefined) return Promise.reject(new Error('one read at a time'))
    this.#stall = this.#options.stalls.begin(this.#options.onStall)
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  cancel(): void {
    this.#discard = true
    this.#chunks = []
    this.#kept = 0
    this.#settle(null)
    this.#resume()
  }

  /** The answer is given: what still comes is read and dropped. A reader that waits is told. */
  discard(): void {
    this.#discard = true
    this.#drop(new Error('the request is answered already'))
    this.#resume()
  }

  /** The answer is complete: the native response may not be touched any more. */
  detach(): void {
    this.discard()
    this.#response = undefined
  }

  /** The connection is gone, and with it what nobody read yet. */
  fail(error: Error): void {
    this.#response = undefined
    this.#drop(error)
  }

  #drop(error: Error): void {
    if (this.#ended && this.#chunks.length === 0) return
    this.#chunks = []
    this.#kept = 0
    this.#error = error
    this.#take()?.reject(error)
  }

  #data(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#response === undefined) return
    this.#options.onArrival()
    if (isLast) this.#ended = true
    if (chunk.byteLength > 0 && !this.#discard) {
      // The memory is the parser's: it is taken back when this callback returns.
      const copy = new Uint8Array(chunk.slice(0))
      if (this.#waiter === undefined) this.#keep(copy)
      else this.#settle(copy)
    } else if (isLast) this.#settle(null)
    if (isLast) this.#options.onEnd()
  }

  #keep(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#kept += chunk.length
    if (this.#ended || this.#kept < HIGH_WATER) return
    if (this.#kept > MAX_KEPT) this.#options.onOverflow()
    else this.#pause()
  }

  #pause(): void {
    // Again if it arrived during a pause: what arrives sets the library's timeout, a pause ends it.
    this.#response?.pause()
    if (this.#paused) return
    this.#paused = true
    this.#options.onPause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#response?.resume()
    this.#options.onPause()
  }

  #settle(chunk: Uint8Array | null): void {
    this.#take()?.resolve(chunk)
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    this.#options.stalls.end(this.#stall)
    this.#stall = undefined
    return waiter
  }
}
