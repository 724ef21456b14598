import type { BodySink } from '../driver.ts'
import type { CallOutcome } from '../metrics/meter.ts'
import type { CallFailure, CallHandle, CallSink, HeaderList } from '../ports.ts'
import { problemOfBody } from './body-problem.ts'
import { IDEMPOTENT } from './idempotent.ts'
import { withNoCache } from './no-cache.ts'
import { type Problem, problemOf } from './problem.ts'
import { headerOf, mayHaveBody, type RequestRecord } from './request-record.ts'
import { type ResponseHead, responseHead } from './response-head.ts'
import type { TransferPlan } from './transfer-plan.ts'
import { Upload } from './upload.ts'

const EMPTY = new Uint8Array(0)
const DONE = 3
/** Nothing answered · head known, held back · head sent · over. */
type State = 0 | 1 | 2 | typeof DONE

const TOO_LARGE: Problem = {
  status: 413,
  code: 'FLATEND_GATEWAY_BODY_TOO_LARGE',
  detail: 'The request body is larger than this route takes.',
}
const FIELDS_TOO_LARGE: Problem = {
  status: 431,
  code: 'FLATEND_GATEWAY_FIELDS_TOO_LARGE',
  detail: 'The header fields of the request are larger than the service takes.',
}
const BROKEN: Problem = {
  status: 502,
  code: 'FLATEND_GATEWAY_PROVIDER_FAILED',
  detail: 'The service gave an answer that is not valid in HTTP.',
}

/**
 * One request as one call, and its answer. Head and first bytes are held back until the end of the
 * tick, so that a small answer leaves in one write with its length.
 */
export class Transfer implements CallSink {
  readonly #record: RequestRecord
  readonly #plan: TransferPlan
  #state: State = 0
  #handle: CallHandle | undefined
  #callOver = false
  #upload: Upload | undefined
  #sink: BodySink | undefined
  #status = 0
  #head: ResponseHead | undefined
  #held: Uint8Array | undefined
  /** Bytes of the answer received. */
  #received = 0
  /** Bytes the client's side did not take yet. */
  #unconsumed = 0
  #waiting = false

  constructor(record: RequestRecord, plan: TransferPlan) {
    this.#record = record
    this.#plan = plan
  }

  start(): void {
    const { exchange } = this.#record
    exchange.onClose((reason) => this.gone(reason))
    const handle = this.open(this)
    if (handle === undefined) return
    // A caller may answer before `open` returns.
    if (this.#unconsumed > 0 && !this.#waiting) this.#consume(0)
    if (this.#state === DONE) {
      if (!this.#callOver) handle.cancel('answered')
      exchange.body.cancel()
    } else if (mayHaveBody(exchange)) this.#startUpload(handle)
    else handle.end()
  }

  /** Opens the call; its answer comes to `sink`. Nothing where that is impossible, and answered. */
  open(sink: CallSink): CallHandle | undefined {
    const { exchange, env } = this.#record
    const { services, fields: headers, timeoutMs, retry } = this.#plan
    const key = this.#plan.key === undefined ? undefined : headerOf(headers, this.#plan.key)
    const request = {
      services,
      retry: env.retries.request(retry),
      onRetry: () => this.#record.retried(),
      headers,
      idempotent: this.#plan.idempotent ?? IDEMPOTENT.has(exchange.method),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(key === undefined ? {} : { key }),
    }
    this.#record.calling()
    try {
      this.#handle = env.caller.open(request, sink)
    } catch (error) {
      // Nothing was sent: the fields of the request do not fit a call.
      if ((error as Partial<CallFailure>).kind !== 'too-large') throw error
      this.#over('too-large')
      this.#break(FIELDS_TOO_LARGE, String(error))
      exchange.body.cancel()
    }
    return this.#handle
  }

  response(status: number, headers: HeaderList): void {
    if (this.#state !== 0) return
    this.#record.answered()
    const head = responseHead(headers)
    if (head.dropped.length > 0) this.#warnDropped(head.dropped)
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      this.#break(BROKEN, `status ${status}`)
      return
    }
    this.#status = status
    this.#head = this.#plan.noCache ? { ...head, headers: withNoCache(head.headers) } : head
    this.#state = 1
    this.#record.env.later(this)
  }

  data(chunk: Uint8Array): void {
    try {
      this.#data(chunk)
    } catch (error) {
      this.#crash(error)
    }
  }

  end(): void {
    this.#over('ok')
    if (this.#state === 0) this.response(200, [])
    if (this.#state === DONE) return
    try {
      this.#end()
    } catch (error) {
      this.#crash(error)
    }
  }

  fail(failure: CallFailure): void {
    this.#over(failure.kind)
    if (this.#state === DONE) return
    this.#break(problemOf(failure), `${failure.code}: ${failure.message}`)
  }

  drain(): void {
    this.#upload?.drain()
  }

  /** The tick is over: what is held back leaves. */
  flush(): void {
    if (this.#state !== 1) return
    try {
      this.#sendHead()
    } catch (error) {
      this.#crash(error)
    }
  }

  #over(outcome: CallOutcome): void {
    if (this.#callOver) return
    this.#callOver = true
    this.#record.called(outcome)
  }

  #data(chunk: Uint8Array): void {
    if (this.#state === 0) this.response(200, [])
    this.#received += chunk.length
    if (this.#state === DONE || this.#bodyless()) {
      this.#consume(chunk.length)
      // The head is out, and nobody wants the rest.
      if (this.#state === 2) this.#finish()
      return
    }
    const length = this.#head?.length
    if (length !== undefined && this.#received > length) {
      this.#consume(chunk.length)
      this.#break(BROKEN, 'body longer than its content-length')
    } else if (this.#state === 2) this.#write(chunk)
    else if (this.#held === undefined) this.#held = chunk
    else {
      this.#sendHead()
      this.#write(chunk)
    }
  }

  #end(): void {
    const length = this.#head?.length
    if (!this.#bodyless() && length !== undefined && this.#received !== length) {
      this.#break(BROKEN, 'body shorter than its content-length')
    } else if (this.#state === 2) {
      this.#sink?.end()
      this.#finish()
    } else if (this.#bodyless()) this.#sendHead()
    else {
      const { exchange } = this.#record
      const body = this.#held ?? EMPTY
      this.#begun()
      this.#held = undefined
      exchange.respond(this.#status, (this.#head as ResponseHead).headers, { body })
      this.#record.responseBytes = body.length
      this.#consume(body.length)
      this.#finish()
    }
  }

  /** No body belongs to the answer (RFC 9110 §6.4.1). */
  #bodyless(): boolean {
    const status = this.#status
    return this.#record.exchange.method === 'HEAD' || status === 204 || status === 304
  }

  #begun(): void {
    this.#state = 2
    this.#record.status = this.#status
  }

  #sendHead(): void {
    const { exchange } = this.#record
    const { headers, length } = this.#head as ResponseHead
    const bodyless = this.#bodyless()
    this.#begun()
    if (bodyless) {
      const known = length ?? (this.#callOver && this.#received > 0 ? this.#received : undefined)
      const tell = exchange.method === 'HEAD' && this.#status !== 204 && known !== undefined
      exchange.respond(this.#status, headers, tell ? { end: true, length: known } : { end: true })
      // What the service still sends is dropped; a short answer ends by itself within the tick.
      if (this.#callOver || this.#received > 0) this.#finish()
      return
    }
    this.#sink = exchange.respond(this.#status, headers, length === undefined ? {} : { length })
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#write(held)
  }

  #write(chunk: Uint8Array): void {
    const sink = this.#sink as BodySink
    this.#record.responseBytes += chunk.length
    if (sink.write(chunk) && !this.#waiting) {
      this.#consume(chunk.length)
      return
    }
    this.#unconsumed += chunk.length
    if (this.#waiting) return
    this.#waiting = true
    sink.ready().then(
      () => this.#resume(),
      () => this.gone(),
    )
  }

  #resume(): void {
    this.#waiting = false
    this.#consume(0)
  }

  /** Gives credit back for `bytes` and whatever waited. */
  #consume(bytes: number): void {
    const total = this.#unconsumed + bytes
    if (this.#handle === undefined || this.#waiting) {
      this.#unconsumed = total
      return
    }
    this.#unconsumed = 0
    if (total > 0) this.#handle.consumed(total)
  }

  #startUpload(handle: CallHandle): void {
    const record = this.#record
    this.#upload = new Upload({
      body: record.exchange.body,
      handle,
      limit: this.#plan.maxBodySize,
      onBytes: (count) => {
        record.requestBytes += count
      },
      onTooLarge: () => this.#break(TOO_LARGE, 'request body too large'),
      onError: (error) => this.#break(problemOfBody(error), `request body: ${String(error)}`),
    })
    this.#upload.start()
  }

  /** The call did not work out: an error where nothing is sent yet, else a broken connection. */
  #break(problem: Problem, reason: string): void {
    if (this.#state === DONE) return
    const started = this.#state === 2
    try {
      if (!started) this.#record.problem(problem)
      else if (this.#sink !== undefined) this.#record.errors.breakOff(this.#sink, problem)
    } catch (error) {
      this.#record.env.log.error({ err: error, requestId: this.#record.requestId }, 'cannot answer')
    }
    this.#finish(reason, started)
  }

  #crash(error: unknown): void {
    const { env, requestId } = this.#record
    env.log.error({ err: error, requestId }, 'the HTTP driver failed while an answer was sent')
    if (this.#state === DONE) return
    const sink = this.#sink
    let told = false
    try {
      if (sink !== undefined) sink.abort()
      else {
        // What it did not take was the head: it may take another one.
        this.#record.problem(BROKEN)
        told = true
      }
    } catch {
      // It failed already; what counts is that the call ends.
    }
    this.#finish('driver failed', !told)
  }

  /** The client is gone. */
  gone(reason = 'client closed'): void {
    if (this.#state !== DONE) this.#finish(reason, true)
  }

  #finish(reason?: string, aborted = false): void {
    this.#state = DONE
    this.#waiting = false
    this.#consume(this.#held?.length ?? 0)
    this.#held = undefined
    this.#record.provider = this.#handle?.peer
    const upload = this.#upload
    if (upload && !upload.done) {
      upload.stop()
      this.#record.exchange.body.cancel()
    }
    if (!this.#callOver || (upload && !upload.done)) this.#handle?.cancel(reason ?? 'answered')
    this.#over('cancelled')
    this.#record.finish(reason, aborted)
  }

  #warnDropped(names: readonly string[]): void {
    const { env, requestId } = this.#record
    const { services } = this.#plan
    env.log.warn({ requestId, services, names }, 'headers of an answer are not valid in HTTP')
  }
}
