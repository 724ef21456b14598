import { NodeError } from './errors.ts'

/** Takes one chunk, or `null` at the end; returns whether it wants the next. */
export type ChunkConsumer = (chunk: Uint8Array | null) => boolean

interface Collection {
  readonly limit: number
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: Error) => void
}

/** Where the body comes from. */
export interface BodySource {
  /** The application took bytes of the body: as many more may come. */
  consumed(bytes: number): void
  /** The body is not wanted any more: it was longer than its reader takes. */
  refused(): void
  /** Who was handed the body threw, a listener of a stream's events for one. */
  threw(error: unknown): void
}

/**
 * A body between the connection, which pushes, and the application, which pulls. Credit goes back
 * to the sender only as chunks leave the queue, so a reader that stops, stops its sender.
 */
export class BodyQueue {
  readonly #source: BodySource
  /** What nobody took yet; what a collection gathered so far. */
  #chunks: Uint8Array[] = []
  #collected = 0
  #consumer: ChunkConsumer | undefined
  #collection: Collection | undefined
  #closed = false
  #discarding = false
  #error: Error | undefined

  constructor(source: BodySource) {
    this.#source = source
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
    if (this.#discarding) this.#source.consumed(chunk.length)
    else {
      this.#chunks.push(chunk)
      if (this.#collection) this.#gather(this.#collection, chunk.length)
      else this.#flow()
    }
  }

  /** The body is complete. */
  close(): void {
    this.#closed = true
    if (this.#collection) this.#complete(this.#collection)
    else this.#flow()
  }

  /** The body will never be complete. What is queued is dropped: a part is not shown as a whole. */
  fail(error: Error): void {
    if (this.closed) return
    this.#error = error
    this.#chunks = []
    this.#collection?.reject(error)
    this.#collection = undefined
    this.#consumer = undefined
  }

  /** Nobody wants the rest. */
  discard(): void {
    this.#discarding = true
    this.#consumer = undefined
    let bytes = -this.#collected
    for (const chunk of this.#chunks) bytes += chunk.length
    this.#chunks = []
    this.#collected = 0
    if (bytes > 0) this.#source.consumed(bytes)
  }

  /** Hands chunks to `consumer`, now and as they come, until it returns false. */
  read(consumer: ChunkConsumer): void {
    this.#consumer = consumer
    this.#flow()
  }

  /** The whole body, at most `limit` bytes. */
  collect(limit: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#error) reject(this.#error)
      else if (this.#collection || this.#consumer || this.#discarding) {
        reject(new NodeError('FLATEND_NODE_BODY_USED', 'this body is being read already'))
      } else {
        const collection = { limit, resolve, reject }
        this.#collection = collection
        let waiting = 0
        for (const chunk of this.#chunks) waiting += chunk.length
        if (waiting > 0) this.#gather(collection, waiting)
        if (this.#closed && this.#collection) this.#complete(collection)
      }
    })
  }

  /** So many bytes more belong to the collection. */
  #gather({ limit, reject }: Collection, bytes: number): void {
    if (this.#collected + bytes > limit) {
      this.#collection = undefined
      this.discard()
      this.#source.refused()
      reject(bodyLimitError(limit))
      return
    }
    this.#collected += bytes
    this.#source.consumed(bytes)
  }

  #complete({ resolve }: Collection): void {
    const chunks = this.#chunks
    this.#collection = undefined
    this.#discarding = true
    this.#chunks = []
    const [only] = chunks
    resolve(
      only && chunks.length === 1
        ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
        : Buffer.concat(chunks, this.#collected),
    )
  }

  #flow(): void {
    while (this.#consumer) {
      const consumer = this.#consumer
      const chunk = this.#chunks.shift()
      if (chunk === undefined) break
      // The consumer may call `read` again from inside; then that one stays.
      if (!this.#hand(consumer, chunk) && this.#consumer === consumer) this.#consumer = undefined
      this.#source.consumed(chunk.length)
    }
    if (this.#consumer && this.#closed && this.#chunks.length === 0) {
      const consumer = this.#consumer
      this.#consumer = undefined
      this.#hand(consumer, null)
    }
  }

  /** What a consumer throws is nothing of the connection that pushes. */
  #hand(consumer: ChunkConsumer, chunk: Uint8Array | null): boolean {
    try {
      return consumer(chunk)
    } catch (error) {
      this.#source.threw(error)
      return false
    }
  }
}

/** All of a stream. @throws NodeError `FLATEND_NODE_BODY_LIMIT` where it is longer than `limit` bytes */
export async function collectStream(stream: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > limit) throw bodyLimitError(limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function bodyLimitError(limit: number): NodeError {
  return new NodeError(
    'FLATEND_NODE_BODY_LIMIT',
    `the body is longer than ${limit} bytes: raise { limit } or read it as a stream`,
  )
}
