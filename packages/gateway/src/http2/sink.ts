import type { Writable } from 'node:stream'
import type { BodySink } from '../driver.ts'
import type { Stall, StallWatch } from './stall.ts'

/** Bytes of one write: each that leaves is progress of a slow client. */
const PIECE = 65_536
const EMPTY = new Uint8Array(0)

export interface NodeSinkOptions {
  readonly stalls: StallWatch
  /** Bytes the head promised; `undefined`: chunked. */
  readonly total: number | undefined
  /** The client takes nothing for too long. */
  readonly onStall: () => void
  /** Breaks the connection. */
  readonly abort: () => void
  /** Takes what follows the body. */
  readonly trailers: (fields: readonly string[]) => void
}

/** The body of an answer, written to Node's stream in pieces. */
export class NodeSink implements BodySink {
  readonly #stream: Writable
  readonly #options: NodeSinkOptions
  #queue: Uint8Array[] = []
  #sent = 0
  #blocked = false
  #ending = false
  #closed = false
  #stall: Stall | undefined
  #waiting: (() => void)[] = []

  constructor(stream: Writable, options: NodeSinkOptions) {
    this.#stream = stream
    this.#options = options
    stream.on('drain', () => {
      this.#blocked = false
      this.#settle()
      this.#pump()
    })
  }

  write(chunk: Uint8Array): boolean {
    if (this.#closed || this.#ending) return true
    if (chunk.length > 0) {
      this.#queue.push(chunk)
      this.#pump()
    }
    return !this.#blocked
  }

  ready(): Promise<void> {
    if (!this.#blocked || this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  end(chunk: Uint8Array = EMPTY, trailers?: readonly string[]): void {
    if (this.#closed || this.#ending) return
    if (trailers !== undefined) this.#options.trailers(trailers)
    this.write(chunk)
    this.#ending = true
    this.#pump()
  }

  abort(): void {
    if (!this.#closed) this.#options.abort()
  }

  /** The connection is gone, or all of the answer with the system. */
  closed(): void {
    this.#closed = true
    this.#blocked = false
    this.#settle()
    this.#queue = []
    this.#wake()
  }

  #pump(): void {
    while (!this.#blocked && this.#queue.length > 0 && !this.#closed) this.#writePiece()
    if (this.#closed) return
    if (this.#blocked) this.#watch()
    else this.#wake()
    if (this.#ending && this.#queue.length === 0) this.#finish()
  }

  #writePiece(): void {
    const chunk = this.#queue[0] as Uint8Array
    const piece = chunk.length > PIECE ? chunk.subarray(0, PIECE) : chunk
    if (piece.length < chunk.length) this.#queue[0] = chunk.subarray(PIECE)
    else this.#queue.shift()
    this.#sent += piece.length
    const { total } = this.#options
    if (total !== undefined && this.#sent > total) {
      this.#options.abort()
      return
    }
    this.#blocked = !this.#stream.write(piece)
  }

  #finish(): void {
    const { total } = this.#options
    if (total !== undefined && this.#sent < total) {
      this.#options.abort()
      return
    }
    if (this.#stream.writableEnded) return
    this.#stream.end()
    // Bytes wait for a client that may never take them.
    if (this.#stream.writableLength > 0) this.#watch()
  }

  #watch(): void {
    this.#stall ??= this.#options.stalls.begin(this.#options.onStall)
  }

  #settle(): void {
    this.#options.stalls.end(this.#stall)
    this.#stall = undefined
  }

  #wake(): void {
    if (this.#waiting.length > 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
