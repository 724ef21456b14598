import type { Compressors } from '../compress/port.ts'
import type { ListenerConfig } from '../config/types.ts'
import type { Exchange } from '../driver.ts'
import type { RateLimit, RateLimiter } from '../edge/rate-limit.ts'
import type { RetryBudget } from '../edge/retry-budget.ts'
import type { CallOutcome, RequestOutcome, RouteMeter } from '../metrics/meter.ts'
import type {
  AccessEvent,
  GatewayLog,
  GatewayOptions,
  GatewayTracer,
  RequestTrace,
} from '../options.ts'
import type { Caller } from '../ports.ts'
import { type ErrorForm, HTTP_ERRORS } from './error-form.ts'
import type { Problem } from './problem.ts'
import { hasTrace, type TraceFields } from './trace-context.ts'

/** What all requests of a gateway share. */
export interface Environment {
  readonly caller: Caller
  readonly clock: { now(): number }
  readonly log: GatewayLog
  readonly onAccess: GatewayOptions['onAccess'] | undefined
  readonly accessAll: boolean
  /** Counts requests that no route matches. */
  readonly unrouted: RouteMeter | undefined
  readonly nameOf: GatewayOptions['nameOf'] | undefined
  readonly tracer: GatewayTracer | undefined
  readonly beginTrace: () => TraceFields
  readonly nextRequestId: () => string
  /** Flushes what is held back once the current tick's work is done. */
  readonly later: (held: { flush(): void }) => void
  readonly retries: RetryBudget
  /** Counts the clients of a limit, as long as there is one. */
  readonly limiterOf: (limit: RateLimit) => RateLimiter
  /** Compresses answers, where a listener asks for that. */
  readonly compressors: Compressors | undefined
  /** Requests that run. */
  readonly running: { count: number }
}

/** The route that answers a request, as the access log names it. */
export interface RouteName {
  readonly path: string
  readonly services: readonly string[]
  readonly meter?: RouteMeter | undefined
}

/** An id of a client that is safe to repeat in logs and fields. */
const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/

/** One request from beginning to end: its id, what was counted, and the answers that need no call. */
export class RequestRecord implements RequestOutcome {
  readonly env: Environment
  readonly listener: ListenerConfig
  /** Replaced by one that changes the answer on its way, before there is one. */
  exchange: Exchange
  /** How errors are told. */
  errors: ErrorForm = HTTP_ERRORS
  /** The status of gRPC the answer ended with. */
  grpcStatus: number | undefined
  readonly requestId: string
  route: RouteName | undefined
  requestBytes = 0
  responseBytes = 0
  status: number | undefined
  /** Who answers the request's call. */
  provider: unknown
  /** Of the whole, once it is over. */
  durationMs = 0
  aborted = false
  readonly #trace: RequestTrace | undefined
  /** Of the request's own, for each of its calls. */
  #begun: TraceFields | undefined
  readonly #logged: boolean
  /** For the log, while the driver can still tell. */
  readonly #peer: string
  readonly #startedAt: number
  #calledAt: number | undefined
  #answeredAt: number | undefined
  #finished = false

  constructor(env: Environment, listener: ListenerConfig, exchange: Exchange) {
    this.env = env
    this.listener = listener
    this.exchange = exchange
    this.#startedAt = env.clock.now()
    const given = headerOf(exchange.headers, 'x-request-id')
    this.requestId = given !== undefined && REQUEST_ID.test(given) ? given : env.nextRequestId()
    env.running.count++
    this.#logged = env.onAccess !== undefined && (env.accessAll || listener.accessLog !== false)
    this.#trace = env.tracer?.start(exchange, this.requestId)
    this.#peer = this.#logged || this.#trace ? exchange.peer : ''
  }

  /** What the service is to be told of the trace, where that is not what the client said. */
  get trace(): TraceFields | undefined {
    if (this.#trace) return this.#trace.fields
    if (hasTrace(this.exchange.headers)) return undefined
    return (this.#begun ??= this.env.beginTrace())
  }

  /** The request's call begins now. */
  calling(): void {
    this.#calledAt = this.env.clock.now()
  }

  /** The answer of the request's call began. */
  answered(): void {
    this.#answeredAt = this.env.clock.now()
  }

  /** The request's call is over. */
  called(outcome: CallOutcome): void {
    this.route?.meter?.called(outcome)
  }

  /** The request's call went to another provider. */
  retried(): void {
    this.route?.meter?.retried?.()
  }

  get finished(): boolean {
    return this.#finished
  }

  /** The answer is over. `reason` says why where it is not a good or not a whole one. */
  finish(reason?: string, aborted = false): void {
    if (this.#finished) return
    this.#finished = true
    const { env } = this
    env.running.count--
    this.durationMs = env.clock.now() - this.#startedAt
    this.aborted = aborted
    const meter = this.route === undefined ? env.unrouted : this.route.meter
    meter?.finished(this)
    if (!this.#logged && this.#trace === undefined) return
    const event = this.#event(reason)
    this.#trace?.finish(event)
    if (this.#logged) env.onAccess?.(event, this.listener)
  }

  /** Answers with headers and a whole body; HEAD gets the headers alone. */
  answer(status: number, headers: readonly string[], body: Uint8Array): void {
    this.status = status
    if (this.exchange.method === 'HEAD') {
      this.exchange.respond(status, headers, { end: true, length: body.length })
      return
    }
    this.responseBytes += body.length
    this.exchange.respond(status, headers, { body })
  }

  /** Answers with an error. */
  problem(problem: Problem): void {
    const accept = headerOf(this.exchange.headers, 'accept')
    const { status, headers, body } = this.errors.render(problem, this.requestId, accept)
    this.answer(status, headers, body)
  }

  /** Answers with an error and is done; a body still on its way is not wanted. */
  refuse(problem: Problem): void {
    this.problem(problem)
    this.exchange.body.cancel()
    this.finish(problem.code)
  }

  #event(reason: string | undefined): AccessEvent {
    const { exchange, provider } = this
    const calledAt = this.#calledAt
    const answeredAt = this.#answeredAt
    return {
      requestId: this.requestId,
      method: exchange.method,
      scheme: exchange.scheme,
      authority: exchange.authority,
      path: exchange.rawPath,
      peer: this.#peer,
      route: this.route?.path,
      services: this.route?.services ?? [],
      status: this.status,
      grpcStatus: this.grpcStatus,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      durationMs: this.durationMs,
      queueMs: calledAt === undefined ? undefined : calledAt - this.#startedAt,
      providerMs:
        calledAt === undefined || answeredAt === undefined ? undefined : answeredAt - calledAt,
      provider: provider === undefined ? undefined : this.env.nameOf?.(provider),
      reason,
      aborted: this.aborted,
    }
  }
}

/** The first value of a header, whose name is given in lower case. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

/** Whether a body may follow the request's head (RFC 9112 §6.3; HTTP/2 says so by its frames). */
export function mayHaveBody(exchange: Exchange): boolean {
  const { length } = exchange.body
  if (length !== undefined) return length > 0
  if (exchange.httpVersion === '2.0') return true
  return headerOf(exchange.headers, 'transfer-encoding') !== undefined
}
