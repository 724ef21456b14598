import type { Readable } from 'node:stream'

/** The first `size` bytes of a sequence in which no piece can be lost, doubled or moved unseen. */
export function pattern(size: number): Generator<Buffer, void>
/** The same as a stream that waits for its reader. */
export function patternStream(size: number): Readable
/** SHA-1 of `pattern(size)`, in hex. */
export function patternHash(size: number): string
