import type { CallHandle, CallSink, IncomingCall } from './call.ts'
import { CallError, RESET } from './errors.ts'
import type { CallRequest, HeaderList } from './ports.ts'

/** A whole request or answer. */
export interface Message {
  readonly headers: HeaderList
  readonly body: Uint8Array
}

/** A whole answer. */
export interface UnaryReply extends Message {
  readonly status: number
}

/** Bytes of a whole body unless told otherwise. */
const DEFAULT_LIMIT = 1_048_576

/**
 * Calls with a whole request and waits for the whole answer, at most `limit` bytes.
 * @throws CallError
 */
export function callUnary(
  caller: { open(request: CallRequest, sink: CallSink): CallHandle },
  request: CallRequest & { readonly body?: Uint8Array },
  limit: number = DEFAULT_LIMIT,
): Promise<UnaryReply> {
  return new Promise((resolve, reject) => {
    const body = new Collector(limit)
    let head: { status: number; headers: HeaderList } = { status: 200, headers: [] }
    let handle: CallHandle | undefined
    handle = caller.open(request, {
      response: (status, headers) => {
        head = { status, headers }
      },
      data: (chunk) => {
        if (body.add(chunk)) handle?.consumed(chunk.length)
        else {
          handle?.cancel('the answer is too large')
          reject(new CallError('too-large', `the answer is longer than ${limit} bytes`))
        }
      },
      end: () => resolve({ ...head, body: body.join() }),
      fail: reject,
      drain: () => undefined,
    })
    handle.end(request.body)
  })
}

/**
 * A {@link Dispatch} for a function of whole messages, at most `limit` bytes. Where it throws, the
 * caller gets RESET 3; the message of the error goes along only if the error has `expose: true`.
 */
export function serveUnary(
  handler: (request: Message & { readonly service: string }) => UnaryReply | Promise<UnaryReply>,
  limit: number = DEFAULT_LIMIT,
): (call: IncomingCall) => void {
  return (call) => {
    const body = new Collector(limit)
    const run = async (): Promise<void> => {
      const reply = await handler({
        service: call.service,
        headers: call.headers,
        body: body.join(),
      })
      call.respond(reply.status, reply.headers)
      call.end(reply.body)
    }
    call.accept({
      data: (chunk) => {
        if (body.add(chunk)) call.consumed(chunk.length)
        else call.fail(RESET.tooLarge, `the request is longer than ${limit} bytes`, true)
      },
      end: () => void run().catch((error: unknown) => failWith(call, error)),
      cancel: () => undefined,
      drain: () => undefined,
    })
  }
}

function failWith(call: IncomingCall, error: unknown): void {
  const expose = error instanceof Error && (error as { expose?: unknown }).expose === true
  call.fail(RESET.handler, expose ? error.message : '', expose)
}

class Collector {
  readonly #limit: number
  readonly #chunks: Uint8Array[] = []
  #length = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: Uint8Array): boolean {
    this.#length += chunk.length
    if (this.#length > this.#limit) return false
    this.#chunks.push(chunk)
    return true
  }

  join(): Uint8Array {
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, at)
      at += chunk.length
    }
    return joined
  }
}
