import type { CompressConfig } from '../config/compress.ts'
import type { BodySink, CloseListener, Exchange, RespondOptions } from '../driver.ts'
import { ExchangeWrapper } from '../exchange-wrapper.ts'
import { headerOf } from '../transfer/request-record.ts'
import {
  chooseEncoding,
  compressedHeaders,
  isCompressible,
  partHeaders,
  withVary,
} from './negotiate.ts'
import type { Compressors, Encoding } from './port.ts'
import { CompressedSink } from './sink.ts'

export interface CompressOptions {
  readonly config: CompressConfig
  readonly compressors: Compressors
  /** Runs `flush` once the current tick's work is done. */
  readonly later: (held: { flush(): void }) => void
}

const PARTIAL = 206
const NOT_MODIFIED = 304

/** An exchange whose answer is compressed where that is possible, wanted and worth it. */
export class CompressingExchange extends ExchangeWrapper {
  readonly #options: CompressOptions
  #sink: CompressedSink | undefined

  constructor(inner: Exchange, options: CompressOptions) {
    super(inner)
    this.#options = options
  }

  override onClose(listener: CloseListener): void {
    this.inner.onClose((reason) => {
      this.#sink?.close()
      listener(reason)
    })
  }

  override respond(
    status: number,
    headers: readonly string[],
    options: RespondOptions = {},
  ): BodySink {
    const length = options.body?.length ?? options.length
    const { minSize } = this.#options.config
    if (status === PARTIAL) {
      return this.inner.respond(status, partHeaders(headers, minSize), options)
    }
    if (!isCompressible({ status, headers, length, minSize })) {
      return this.inner.respond(status, headers, options)
    }
    const encoding = this.#choose()
    if (encoding === undefined) return this.inner.respond(status, withVary(headers), options)
    if (status === NOT_MODIFIED) {
      return this.inner.respond(status, compressedHeaders(headers), options)
    }
    const fields = compressedHeaders(headers, encoding)
    // Nobody knows the length of what is not sent.
    if (options.end === true) return this.inner.respond(status, fields, { end: true })
    return this.#stream(encoding, this.inner.respond(status, fields), options.body)
  }

  #choose(): Encoding | undefined {
    // An answer without a length could not be told from half of one (RFC 1945).
    if (this.httpVersion === '1.0') return undefined
    const { config, compressors } = this.#options
    const available = config.encodings.filter((one) => compressors.encodings.includes(one))
    return chooseEncoding(headerOf(this.headers, 'accept-encoding'), available)
  }

  #stream(encoding: Encoding, sink: BodySink, body: Uint8Array | undefined): BodySink {
    const { compressors, later } = this.#options
    this.#sink = new CompressedSink({ compressors, encoding, sink, later })
    if (body !== undefined) this.#sink.end(body)
    return this.#sink
  }
}
