import { pipeline } from 'node:stream/promises'
import type { Context } from './context.ts'

/**
 * Sends what a handler returned: text, bytes, a stream or async iterable, a `Response`, anything
 * else as JSON. Resolves once a stream is sent; everything else is sent at once. Nothing returned is an empty answer, unless the handler answers in its own time.
 */
export function answer(ctx: Context, value: unknown): Promise<void> | undefined {
  ctx.closeWebSocket()
  if (ctx.answered || value === ctx) return undefined
  if (value === undefined || value === null) ctx.send()
  else if (typeof value === 'string') {
    ctx.defaultHeader('content-type', 'text/plain; charset=utf-8')
    ctx.send(value)
  } else if (value instanceof Uint8Array) ctx.send(value)
  else if (value instanceof ArrayBuffer) ctx.send(new Uint8Array(value))
  else if (isResponse(value)) return answerResponse(ctx, value)
  else if (isAsyncIterable(value)) return pipeline(value, ctx)
  else ctx.json(value)
  return undefined
}

/** What is used of a fetch `Response`; any implementation's will do. */
interface ResponseLike {
  readonly status: number
  readonly headers: Iterable<readonly [string, string]>
  readonly body: ReadableStream<Uint8Array> | null
  arrayBuffer(): Promise<ArrayBuffer>
}

function isResponse(value: unknown): value is ResponseLike {
  if (typeof value !== 'object' || value === null) return false
  const { status, headers, arrayBuffer } = value as Partial<ResponseLike>
  return (
    typeof status === 'number' && typeof headers === 'object' && typeof arrayBuffer === 'function'
  )
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

async function answerResponse(ctx: Context, response: ResponseLike): Promise<void> {
  ctx.status(response.status)
  for (const [name, value] of response.headers) ctx.header(name, value)
  if (response.body === null) ctx.send()
  else await pipeline(piecesOf(response.body, ctx.signal), ctx)
}

/** As the stream's own iterator, which a body that says nothing keeps from being cancelled. */
async function* piecesOf(body: ReadableStream<Uint8Array>, signal: AbortSignal) {
  const reader = body.getReader()
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
