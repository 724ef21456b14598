import type { CallHandle } from './call.ts'

/** The beginning of a request body, kept while the call may have to be sent once more. */
export class Replay {
  readonly #max: number
  #chunks: Uint8Array[] | undefined
  #bytes = 0
  #complete = true

  constructor(max: number) {
    this.#max = max
  }

  /** Whether everything written so far is here. */
  get complete(): boolean {
    return this.#complete
  }

  /** @param only - nobody else has it yet, so that it is kept whatever its size */
  keep(chunk: Uint8Array, only: boolean): void {
    if (!this.#complete) return
    this.#bytes += chunk.length
    if (!only && this.#bytes > this.#max) this.stop()
    else if (this.#chunks) this.#chunks.push(chunk)
    else this.#chunks = [chunk]
  }

  /** Sends all of it, and the end where there is one. Returns whether more may be written. */
  to(handle: CallHandle, ended: boolean): boolean {
    const chunks = this.#chunks ?? []
    const last = ended ? chunks.length - 1 : chunks.length
    let more = true
    for (let i = 0; i < last; i++) more = handle.write(chunks[i] as Uint8Array)
    if (ended) handle.end(chunks[last])
    if (this.#bytes > this.#max) this.stop()
    return more
  }

  stop(): void {
    this.#complete = false
    this.#chunks = undefined
  }
}
