/** Content codings (RFC 9110 §8.4.1, RFC 7932, RFC 8878), the smallest answers first. */
export const ENCODINGS = ['br', 'zstd', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** Takes what a compressor gives, until `pause`. */
export interface CompressorOutput {
  data(chunk: Uint8Array): void
  /** {@link Compressor.write} may go on. */
  drain(): void
  /** Everything came out. */
  finish(): void
  fail(error: unknown): void
}

/** One body that becomes smaller. */
export interface Compressor {
  /** False: hold back until `drain`. */
  write(chunk: Uint8Array): boolean
  /** What was written so far comes out, so that it can be read without what follows. */
  flush(): void
  end(): void
  /** No more output for now. */
  pause(): void
  resume(): void
  /** Nothing is wanted any more. */
  destroy(): void
}

/** The gateway's port to compression: `createCompressors()` of `@flatend/gateway/zlib`. */
export interface Compressors {
  /** What this runtime can do. */
  readonly encodings: readonly Encoding[]
  create(encoding: Encoding, output: CompressorOutput): Compressor
}
