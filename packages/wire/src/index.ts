/**
 * Bytes: a bounds-checked reader and writer, u32 packet framing, a token bucket, and the limits of the protocol.
 * No dependency, no IO; every other layer that touches bytes stands on this one.
 *
 * @example
 * ```ts
 * import { FrameDecoder, Reader, Writer } from '@flatend/wire'
 *
 * const packet = new Writer().u32(6).text8('hello').copy()
 * const decoder = new FrameDecoder(1_024)
 * decoder.push(packet)
 * const frame = decoder.next()
 * if (frame) new Reader(frame).text8() // 'hello'
 * ```
 *
 * @packageDocumentation
 */
export {
  type ErrorDetails,
  LocalProtocolError,
  ProtocolError,
  type ProtocolErrorOptions,
  RemoteProtocolError,
} from './errors.ts'
export { FrameDecoder } from './frame-decoder.ts'
export { formatIp, parseIp } from './ip.ts'
export {
  LENGTH_PREFIX,
  MAX_DATA,
  MAX_HELLO_PACKET,
  MAX_LEGACY_DATA,
  MAX_LEGACY_PACKET,
  MAX_PACKET,
  TAG_LENGTH,
} from './limits.ts'
export { Reader } from './reader.ts'
export { type Rate, TokenBucket } from './token-bucket.ts'
export { utf8Length } from './utf8.ts'
export { Writer, type WriterOptions } from './writer.ts'
