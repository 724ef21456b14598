import type { BodySink } from '../driver.ts'
import type { Compressor, CompressorOutput, Compressors, Encoding } from './port.ts'

export interface CompressedSinkOptions {
  readonly compressors: Compressors
  readonly encoding: Encoding
  readonly sink: BodySink
  /** Runs `flush` once the current tick's work is done. */
  readonly later: (held: { flush(): void }) => void
}

/** The body of an answer on its way through a compressor; what a tick brings leaves with it. */
export class CompressedSink implements BodySink, CompressorOutput {
  readonly #sink: BodySink
  readonly #compressor: Compressor
  readonly #later: CompressedSinkOptions['later']
  #scheduled = false
  #full = false
  #over = false
  #waiting: (() => void)[] = []

  constructor({ compressors, encoding, sink, later }: CompressedSinkOptions) {
    this.#sink = sink
    this.#later = later
    this.#compressor = compressors.create(encoding, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || chunk.length === 0) return true
    this.#full = !this.#compressor.write(chunk)
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#later(this)
    }
    return !this.#full
  }

  ready(): Promise<void> {
    if (!this.#full || this.#over) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** The end of the answer; what was written may still be on its way. */
  end(chunk?: Uint8Array): void {
    if (this.#over) return
    if (chunk !== undefined && chunk.length > 0) this.#compressor.write(chunk)
    this.#scheduled = true
    this.#compressor.end()
  }

  abort(): void {
    if (this.#over) return
    this.close()
    this.#sink.abort()
  }

  /** Nobody wants the rest. */
  close(): void {
    if (this.#over) return
    this.#over = true
    this.#compressor.destroy()
    this.#wake()
  }

  /** @internal Of {@link CompressedSinkOptions.later}. */
  flush(): void {
    this.#scheduled = false
    if (!this.#over) this.#compressor.flush()
  }

  /** @internal Of the compressor, as are all below. */
  data(chunk: Uint8Array): void {
    if (this.#over || this.#sink.write(chunk)) return
    this.#compressor.pause()
    this.#sink.ready().then(
      () => this.#resume(),
      () => this.close(),
    )
  }

  #resume(): void {
    if (!this.#over) this.#compressor.resume()
  }

  drain(): void {
    this.#full = false
    this.#wake()
  }

  finish(): void {
    this.#over = true
    this.#wake()
    this.#sink.end()
  }

  fail(): void {
    this.abort()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
