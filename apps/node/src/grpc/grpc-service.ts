import { headerOf } from '../headers.ts'
import type { Handler } from '../serve.ts'
import { GrpcCall } from './grpc-call.ts'
import { GrpcError } from './grpc-error.ts'

/**
 * A method of a gRPC service. What it returns is sent: bytes are one message, an iterable of bytes is
 * a stream of them, nothing means that it sent its messages itself. What it throws is the status: a
 * {@link GrpcError} as it says, anything else UNKNOWN without its message.
 */
export type GrpcMethod = (call: GrpcCall) => unknown

/** Options of {@link grpcService}. */
export interface GrpcServiceOptions {
  /** Bytes of one message of a client, also once it is decompressed. @default 4_194_304 */
  readonly maxMessage?: number
  /**
   * Compresses messages of 1 KiB and more by gzip for clients that take it. What a client compresses
   * is decompressed anyway.
   * @default false
   */
  readonly compress?: boolean
}

const DEFAULT_MAX_MESSAGE = 4_194_304
const OK = 0
const UNKNOWN = 2
const UNIMPLEMENTED = 12

/**
 * A service that answers gRPC through a gateway's route with `grpc = true`.
 *
 * @example
 * ```ts
 * const greeter = grpcService({
 *   '/hello.Greeter/SayHello': async (call) => {
 *     const { name } = HelloRequest.decode(await call.message())
 *     return HelloReply.encode({ message: `Hello ${name}` }).finish()
 *   },
 * })
 * await Node.start({ services: { greeter } })
 * ```
 */
export function grpcService(
  methods: Readonly<Record<string, GrpcMethod>>,
  { maxMessage = DEFAULT_MAX_MESSAGE, compress = false }: GrpcServiceOptions = {},
): Handler {
  const table = new Map(Object.entries(methods))
  return async (ctx) => {
    const path = headerOf(ctx.rawHeaders, ':path') ?? ''
    const call = new GrpcCall(ctx, path, { maxMessage, compress })
    const method = table.get(path)
    if (method === undefined) {
      await call.finish(UNIMPLEMENTED, `there is no method ${path}`)
      return ctx
    }
    try {
      call.open()
      await run(call, await method(call))
    } catch (error) {
      if (ctx.cancelled) throw error
      if (error instanceof GrpcError) await call.finish(error.code, error.message)
      else {
        await call.finish(UNKNOWN, 'the service failed')
        // So that it is logged; the answer is complete.
        throw error
      }
    }
    return ctx
  }
}

async function run(call: GrpcCall, result: unknown): Promise<void> {
  if (result instanceof Uint8Array) {
    await call.answer(result)
    return
  }
  if (typeof result === 'object' && result !== null) {
    for await (const message of result as AsyncIterable<Uint8Array>) await call.send(message)
  } else if (result !== undefined) {
    throw new TypeError(`${call.path} returned a ${typeof result}: return bytes, or bytes by bytes`)
  }
  await call.finish(OK, '')
}
