import { status } from '@grpc/grpc-js'
import { GrpcError, type GrpcMethod } from '../../src/index.ts'

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** What the methods saw, for the tests to look at. */
export const seen: {
  timeoutMs: number
  cancelled: Promise<void>
  metadata: Record<string, string>
} = {
  timeoutMs: 0,
  cancelled: Promise.resolve(),
  metadata: {},
}

/** Methods of `test.Echo`, one of each kind. */
export const methods: Readonly<Record<string, GrpcMethod>> = {
  '/test.Echo/Say': async (call) => {
    seen.metadata = call.metadata
    seen.timeoutMs = call.ctx.timeoutMs
    call.header('x-begin', 'b').header('x-begin-bin', Uint8Array.of(0, 254))
    call.trailer('x-end', 'e').trailer('x-end-bin', Uint8Array.of(255, 0, 1))
    return Buffer.from(`said ${text(await call.message())}`)
  },
  '/test.Echo/Count': async function* (call) {
    const upTo = Number(text(await call.message()))
    for (let i = 1; i <= upTo; i++) yield Buffer.from(String(i))
  },
  '/test.Echo/Join': async (call) => {
    const all: string[] = []
    for await (const message of call.messages) all.push(text(message))
    return Buffer.from(all.join('+'))
  },
  '/test.Echo/Chat': async (call) => {
    for await (const message of call.messages) await call.send(Buffer.from(`re: ${text(message)}`))
  },
  '/test.Echo/Fail': () => {
    throw new GrpcError(status.FAILED_PRECONDITION, 'not yet: 100 % ü')
  },
  '/test.Echo/Detailed': (call) => {
    call.trailer('grpc-status-details-bin', Buffer.from('details'))
    throw new GrpcError(status.ABORTED, '')
  },
  '/test.Echo/Crash': () => {
    throw new Error('secret')
  },
  '/test.Echo/Late': async function* (call) {
    await call.message()
    yield Buffer.from('first')
    throw new GrpcError(status.ABORTED, 'enough')
  },
  '/test.Echo/Never': async (call) => {
    await call.message()
    seen.cancelled = new Promise((resolve) => {
      call.ctx.signal.addEventListener('abort', () => resolve())
    })
    await call.send(Buffer.from('waiting'))
    await seen.cancelled
  },
  '/test.Echo/Large': async (call) => {
    await call.send(Buffer.alloc(70_000))
  },
}
