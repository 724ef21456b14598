import { trailersFrame } from '../../src/grpc/frames.ts'
import { bytes } from './harness.ts'

/** A message in its frame. */
export function message(text: string): Uint8Array {
  const body = bytes(text)
  const frame = new Uint8Array(5 + body.length)
  new DataView(frame.buffer).setUint32(1, body.length)
  frame.set(body, 5)
  return frame
}

/** Trailers that say that all went well. */
export const OK = trailersFrame(['grpc-status', '0', 'x-end', 'z'])
export const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
