import type { TraceFields } from '@flatend/gateway'
import type * as Api from '@opentelemetry/api'
import type { Context } from '../context.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { CallOpener } from '../outgoing-call.ts'
import type { Handler } from '../serve.ts'
import { traceOf } from './trace.ts'
import { TracedCall } from './traced-call.ts'

/** How systems of modules name, in quotation marks of theirs, a package that is not there. */
const PACKAGE = /['"“`]@opentelemetry\/api['"”`]/

let loading: Promise<typeof Api> | undefined

/**
 * OpenTelemetry, where the application has installed its API. Nothing is recorded until it registers
 * an SDK, at any time. Warns where the API is there and does not load.
 */
export async function loadTelemetry(
  wanted = true,
  log: Logger = silentLogger,
): Promise<Telemetry | undefined> {
  if (!wanted) return undefined
  loading ??= import('@opentelemetry/api')
  try {
    return new Telemetry(await loading)
  } catch (error) {
    if (!PACKAGE.test(String(error)))
      log.warn({ err: error }, 'no traces by OpenTelemetry: @opentelemetry/api does not load')
    return undefined
  }
}

/** What {@link Telemetry.start} begins. */
export interface SpanInput {
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Where the trace fields are that it belongs below. */
  readonly headers: readonly string[]
  readonly attributes: NonNullable<Api.SpanOptions['attributes']>
}

/** Makes spans of calls, handlers and requests. */
export class Telemetry {
  readonly #api: typeof Api
  #tracer: Api.Tracer | undefined

  constructor(api: typeof Api) {
    this.#api = api
  }

  /** `undefined` as long as there is no SDK: then nothing is to be done, and nothing is. */
  get #active(): Api.Tracer | undefined {
    if (this.#tracer) return this.#tracer
    const { trace, ProxyTracerProvider } = this.#api
    const provider = trace.getTracerProvider()
    this.#tracer =
      provider instanceof ProxyTracerProvider
        ? provider.getDelegateTracer('flatend')
        : provider.getTracer('flatend')
    return this.#tracer
  }

  /** Whether anybody records spans: without, what describes them need not be put together. */
  get records(): boolean {
    return this.#active !== undefined
  }

  /** Begins a span; `undefined` where nobody would know of it. */
  start({ name, kind, headers, attributes }: SpanInput): Api.Span | undefined {
    const tracer = this.#active
    if (!tracer) return undefined
    const { SpanKind, isSpanContextValid } = this.#api
    const options = { kind: kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT, attributes }
    const span = tracer.startSpan(name, options, this.#parentOf(headers))
    return isSpanContextValid(span.spanContext()) ? span : undefined
  }

  /** What whoever works below a span is told. */
  fieldsOf(span: Api.Span): TraceFields {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext()
    const flags = (traceFlags & 0xff).toString(16).padStart(2, '0')
    const traceparent = `00-${traceId}-${spanId}-${flags}`
    const tracestate = traceState?.serialize()
    return tracestate ? { traceparent, tracestate } : { traceparent }
  }

  /** Ends a span of something that failed. */
  fail(span: Api.Span, message: string): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
    span.end()
  }

  /** A caller whose calls are spans. */
  caller(inner: CallOpener): CallOpener {
    return {
      open: (request, sink) => {
        if (!this.records) return inner.open(request, sink)
        const [service = ''] = request.services
        const span = this.start({
          name: `call ${service}`,
          kind: 'client',
          headers: request.headers,
          attributes: { 'rpc.system': 'flatend', 'rpc.service': request.services.join(',') },
        })
        if (!span) return inner.open(request, sink)
        return new TracedCall({ telemetry: this, span, sink }).start(inner, request)
      },
    }
  }

  /** Runs a handler in a span that ends with its answer. */
  run(ctx: Context, handler: Handler): unknown {
    if (!this.records) return handler(ctx)
    const span = this.start({
      name: ctx.service,
      kind: 'server',
      headers: ctx.rawHeaders,
      attributes: { 'rpc.system': 'flatend', 'rpc.service': ctx.service },
    })
    if (!span) return handler(ctx)
    ctx.traceAs(this.fieldsOf(span))
    ctx.whenOver((failure) => {
      if (failure === undefined) span.end()
      else this.fail(span, failure)
    })
    const { context, trace } = this.#api
    return context.with(trace.setSpan(context.active(), span), () => handler(ctx))
  }

  /** What the headers say; else what is active, as an application set it. */
  #parentOf(headers: readonly string[]): Api.Context {
    const { context, trace, createTraceState, ROOT_CONTEXT } = this.#api
    const fields = traceOf(headers)
    if (!fields) return context.active()
    const [, traceId = '', spanId = '', flags = ''] = fields.traceparent.split('-')
    const state = fields.tracestate
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: Number.parseInt(flags, 16),
      isRemote: true,
      ...(state === undefined ? {} : { traceState: createTraceState(state) }),
    })
  }
}
