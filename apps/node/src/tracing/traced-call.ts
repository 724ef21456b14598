import type { CallError, CallHandle, CallRequest, CallSink } from '@flatend/rpc'
import type { Span } from '@opentelemetry/api'
import type { CallOpener } from '../outgoing-call.ts'
import type { Telemetry } from './telemetry.ts'
import { replaceTrace } from './trace.ts'

/** What a {@link TracedCall} stands between. */
export interface TracedCallParts {
  readonly telemetry: Telemetry
  readonly span: Span
  readonly sink: CallSink
}

/** A call whose span ends with it. Exists only where somebody records. */
export class TracedCall implements CallSink {
  readonly #parts: TracedCallParts
  #over = false

  constructor(parts: TracedCallParts) {
    this.#parts = parts
  }

  start(opener: CallOpener, request: CallRequest): CallHandle {
    const { telemetry, span } = this.#parts
    const headers = replaceTrace(request.headers, telemetry.fieldsOf(span))
    let own: CallHandle
    try {
      own = opener.open({ ...request, headers }, this)
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error))
      throw error
    }
    // A sink and a handle have an `end` each.
    return {
      write: (chunk) => own.write(chunk),
      end: (chunk) => own.end(chunk),
      cancel: (reason) => {
        this.#end(reason ?? 'cancelled')
        own.cancel(reason)
      },
      consumed: (bytes) => own.consumed(bytes),
      get peer() {
        return own.peer
      },
    }
  }

  response(status: number, headers: readonly string[]): void {
    this.#parts.span.setAttribute('flatend.status', status)
    this.#parts.sink.response(status, headers)
  }

  data(chunk: Uint8Array): void {
    this.#parts.sink.data(chunk)
  }

  end(): void {
    this.#end()
    this.#parts.sink.end()
  }

  fail(error: CallError): void {
    this.#parts.span.setAttribute('error.type', error.code)
    this.#end(error.message)
    this.#parts.sink.fail(error)
  }

  drain(): void {
    this.#parts.sink.drain()
  }

  #end(failure?: string): void {
    if (this.#over) return
    this.#over = true
    const { telemetry, span } = this.#parts
    if (failure === undefined) span.end()
    else telemetry.fail(span, failure)
  }
}
