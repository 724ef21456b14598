/**
 * Compression for `@flatend/gateway`, by Node's zlib: brotli, gzip, and zstd where Node has it.
 *
 * ```ts
 * import { createCompressors } from '@flatend/gateway/zlib'
 *
 * createGateway({ compressors: createCompressors(), … })
 * ```
 *
 * @packageDocumentation
 */
import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Compressor, CompressorOutput, Compressors, Encoding } from '../compress/port.ts'

type Stream = Transform & { flush(kind: number, done?: () => void): void }
interface Maker {
  readonly make: () => Stream
  /** What flushes without starting anew. */
  readonly flush: number
}

const { constants } = zlib
/** Node 22.15, 23.8 and later. */
const zstd = zlib as unknown as {
  readonly createZstdCompress?: (options: object) => Stream
  readonly constants: Partial<Record<string, number>>
}

/** Levels that cost about as much time as they save on a fast line: answers are made for one client. */
const MAKERS: Readonly<Record<Encoding, Maker | undefined>> = {
  br: {
    make: () =>
      zlib.createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 },
      }),
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  gzip: {
    make: () => zlib.createGzip({ level: 5 }),
    flush: constants.Z_SYNC_FLUSH,
  },
  zstd: zstd.createZstdCompress && {
    make: () => (zstd.createZstdCompress as (options: object) => Stream)({}),
    flush: zstd.constants['ZSTD_e_flush'] ?? 1,
  },
}

/** Compresses answers in Node's thread pool. */
export function createCompressors(): Compressors {
  return {
    encodings: (['br', 'zstd', 'gzip'] as const).filter((encoding) => MAKERS[encoding]),
    create(encoding, output) {
      const maker = MAKERS[encoding]
      if (maker === undefined) throw new Error(`${encoding} is not available`)
      return new ZlibCompressor(maker, output)
    },
  }
}

class ZlibCompressor implements Compressor {
  readonly #stream: Stream
  readonly #flush: number

  constructor({ make, flush }: Maker, output: CompressorOutput) {
    const stream = make()
    this.#stream = stream
    this.#flush = flush
    stream.on('data', (chunk: Buffer) => output.data(chunk))
    stream.on('drain', () => output.drain())
    stream.on('end', () => output.finish())
    stream.on('error', (error) => output.fail(error))
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.write(chunk)
  }

  flush(): void {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.flush(this.#flush)
  }

  end(): void {
    this.#stream.end()
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
