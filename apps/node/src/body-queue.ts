import { NodeError } from './errors.ts'

/** Takes one chunk, or `null` at the end; returns whether it wants the next. */
export type ChunkConsumer = (chunk: Uint8Array | null) => boolean

interface Collection {
  readonly limit: number
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: Error) => void
  readonly chunks: Uint8Array[]
  length: number
}

/**
 * A body between the connection, which pushes, and the application, which pulls. Credit goes back
 * to the sender only as chunks leave the queue, so a reader that stops, stops its sender.
 */
export class BodyQueue {
  readonly #consumed: (bytes: number) => void
  readonly #chunks: Uint8Array[] = []
  #consumer: ChunkConsumer | undefined
  #collection: Collection | undefined
  #closed = false
  #discarding = false
  #error: Error | undefined

  /** @param consumed - told how many bytes left the queue */
  constructor(consumed: (bytes: number) => void) {
    this.#consumed = consumed
  }

  /** Why the body will not be complete, if so. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Whether the body has ended, well or badly. */
  get closed(): boolean {
    return this.#closed || this.#error !== undefined
  }

  push(chunk: Uint8Array): void {
    if (this.#discarding) this.#consumed(chunk.length)
    else {
      this.#chunks.push(chunk)
      this.#flow()
    }
  }

  /** The body is complete. */
  close(): void {
    this.#closed = true
    this.#flow()
  }

  /** The body will never be complete. What is queued is dropped: a part is not shown as a whole. */
  fail(error: Error): void {
    if (this.closed) return
    this.#error = error
    this.#chunks.length = 0
    this.#collection?.reject(error)
    this.#collection = undefined
    this.#consumer = undefined
  }

  /** Nobody wants the rest. */
  discard(): void {
    this.#discarding = true
    this.#consumer = undefined
    let bytes = 0
    for (const chunk of this.#chunks) bytes += chunk.length
    this.#chunks.length = 0
    if (bytes > 0) this.#consumed(bytes)
  }

  /** Hands chunks to `consumer`, now and as they come, until it returns false. */
  read(consumer: ChunkConsumer): void {
    this.#consumer = consumer
    this.#flow()
  }

  /** The whole body, at most `limit` bytes. */
  collect(limit: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#error) {
        reject(this.#error)
        return
      }
      if (this.#collection || this.#consumer || this.#discarding) {
        reject(new NodeError('FLATEND_NODE_BODY_USED', 'this body is being read already'))
        return
      }
      const collection: Collection = { limit, resolve, reject, chunks: [], length: 0 }
      this.#collection = collection
      this.read((chunk) => this.#collect(collection, chunk))
    })
  }

  #collect(collection: Collection, chunk: Uint8Array | null): boolean {
    if (chunk === null) {
      this.#collection = undefined
      this.#discarding = true
      const [only] = collection.chunks
      collection.resolve(
        only && collection.chunks.length === 1
          ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
          : Buffer.concat(collection.chunks, collection.length),
      )
      return false
    }
    collection.length += chunk.length
    if (collection.length > collection.limit) {
      this.#collection = undefined
      this.discard()
      collection.reject(bodyLimitError(collection.limit))
      return false
    }
    collection.chunks.push(chunk)
    return true
  }

  #flow(): void {
    while (this.#consumer) {
      const consumer = this.#consumer
      const chunk = this.#chunks.shift()
      if (chunk === undefined) break
      // The consumer may call `read` again from inside; then that one stays.
      if (!consumer(chunk) && this.#consumer === consumer) this.#consumer = undefined
      this.#consumed(chunk.length)
    }
    if (this.#consumer && this.#closed && this.#chunks.length === 0) {
      const consumer = this.#consumer
      this.#consumer = undefined
      consumer(null)
    }
  }
}

export function bodyLimitError(limit: number): NodeError {
  return new NodeError(
    'FLATEND_NODE_BODY_LIMIT',
    `the body is longer than ${limit} bytes: raise { limit } or read it as a stream`,
  )
}
