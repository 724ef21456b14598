import type { Link } from './ports.ts'

/**
 * Bytes on their way into a link. Once the link says that it has enough, the rest waits here; what
 * the link holds is at most one write, so that "it took something" is seen write by write.
 */
export class Outbox {
  readonly #link: Link
  readonly #maxWrite: number
  #chunks: Uint8Array[] = []
  #bytes = 0
  #inLink = 0
  #blocked = false

  constructor(link: Link, maxWrite: number) {
    this.#link = link
    this.#maxWrite = maxWrite
  }

  /** Bytes not sent yet, here and in the link. */
  get bytes(): number {
    return this.#bytes + this.#inLink
  }

  /** The link has enough for now. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Everything is in the link, which has taken it. */
  get empty(): boolean {
    return !this.#blocked && this.#chunks.length === 0
  }

  /** Takes chunks and writes what the link wants: usually all of them, in one gathered write. */
  push(chunks: Uint8Array[]): void {
    if (this.#chunks.length === 0) this.#chunks = chunks
    else for (const chunk of chunks) this.#chunks.push(chunk)
    for (const chunk of chunks) this.#bytes += chunk.length
    this.#pump()
  }

  /** The link can take more. */
  drained(): void {
    this.#blocked = false
    this.#inLink = 0
    this.#pump()
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = []
    this.#bytes = 0
  }

  #pump(): void {
    while (!this.#blocked && this.#chunks.length > 0) {
      const bytes = this.#bytes
      const write = this.#next()
      if (this.#link.write(write)) continue
      this.#blocked = true
      this.#inLink = bytes - this.#bytes
    }
  }

  /** The chunks of the next write. */
  #next(): Uint8Array[] {
    const chunks = this.#chunks
    if (this.#bytes <= this.#maxWrite) {
      this.clear()
      return chunks
    }
    let count = 0
    let bytes = 0
    while (count < chunks.length && (count === 0 || bytes < this.#maxWrite))
      bytes += (chunks[count++] as Uint8Array).length
    this.#chunks = chunks.slice(count)
    this.#bytes -= bytes
    return chunks.slice(0, count)
  }
}
