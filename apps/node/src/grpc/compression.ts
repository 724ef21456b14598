import { constants } from 'node:buffer'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { GrpcError } from './grpc-error.ts'

/** What messages may be compressed by, as `grpc-accept-encoding` tells it. */
export const ENCODINGS = 'identity,gzip'

const UNIMPLEMENTED = 12
const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13
/** Bytes of a message that is worth the work. */
const WORTH = 1_024
const [unpack, pack] = [promisify(gunzip), promisify(gzip)]

/** Turns a compressed message into what it was. @throws GrpcError where it cannot, as by size. */
export type Decompress = (message: Buffer, maxMessage: number) => Promise<Buffer>

/**
 * What undoes a client's `grpc-encoding`; `undefined` where it has none.
 * @throws GrpcError UNIMPLEMENTED where nothing does.
 */
export function decompressorOf(encoding: string | undefined): Decompress | undefined {
  if (encoding === undefined || encoding === 'identity') return undefined
  if (encoding === 'gzip') return fromGzip
  throw new GrpcError(UNIMPLEMENTED, `messages in "${encoding.slice(0, 40)}" are not taken`)
}

async function fromGzip(message: Buffer, maxMessage: number): Promise<Buffer> {
  const maxOutputLength = Math.min(Math.max(1, maxMessage), constants.MAX_LENGTH)
  try {
    return await unpack(message, { maxOutputLength })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const text = `a message of more than ${maxMessage} bytes once decompressed`
      throw new GrpcError(RESOURCE_EXHAUSTED, text)
    }
    throw new GrpcError(INTERNAL, 'a compressed message is damaged')
  }
}

/** Whether a client's `grpc-accept-encoding` has gzip. */
export function takesGzip(accepted: string | undefined): boolean {
  return accepted?.split(',').some((name) => name.trim() === 'gzip') === true
}

/** The message compressed; `undefined` where that does not make it smaller. */
export async function toGzip(message: Uint8Array): Promise<Buffer | undefined> {
  if (message.length < WORTH) return undefined
  const packed = await pack(message)
  return packed.length < message.length ? packed : undefined
}
