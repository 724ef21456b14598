import type { CallFailure, CallHandle, CallSink, HeaderList } from '../ports.ts'
import { attempt } from '../transfer/attempt.ts'
import { problemOf } from '../transfer/problem.ts'
import type { RequestRecord } from '../transfer/request-record.ts'
import { responseHead } from '../transfer/response-head.ts'

/** Whom to ask whether a request may pass, and what comes then. */
export interface AuthPlan {
  readonly service: string
  /** Of the request, without its body. */
  readonly fields: HeaderList
  readonly timeoutMs: number | undefined
  /** It may. @param fields - name, value, name, value …: what to hand on */
  readonly pass: (fields: readonly string[]) => void
}

/** Bytes of an answer that says no. */
const MAX_ANSWER = 65_536
const PREFIX = 'auth-'

/** Asks a service whether a request may pass; its answer goes to the client where it may not. */
export class AuthCall implements CallSink {
  readonly #record: RequestRecord
  readonly #plan: AuthPlan
  #handle: CallHandle | undefined
  #status = 200
  #headers: HeaderList = []
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #over = false

  constructor(record: RequestRecord, plan: AuthPlan) {
    this.#record = record
    this.#plan = plan
  }

  start(): void {
    const { service, fields, timeoutMs } = this.#plan
    this.#record.exchange.onClose(() => this.#gone())
    const deadline = timeoutMs === undefined ? {} : { timeoutMs }
    const request = { services: [service], headers: fields, idempotent: true, ...deadline }
    this.#record.calling()
    this.#handle = this.#record.env.caller.open(request, this)
    if (!this.#over) this.#handle.end()
  }

  response(status: number, headers: HeaderList): void {
    this.#record.answered()
    this.#status = status
    this.#headers = headers
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return
    this.#length += chunk.length
    this.#handle?.consumed(chunk.length)
    if (this.#length <= MAX_ANSWER) this.#chunks.push(chunk)
    else {
      this.#handle?.cancel('answer too long')
      this.fail({ code: '', kind: 'handler', message: 'auth: answer too long', expose: false })
    }
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#record.called('ok')
    if (this.#status >= 200 && this.#status < 300) this.#plan.pass(handedOn(this.#headers))
    else if (this.#status >= 300 && this.#status < 600) this.#refuse()
    else this.#failed('an impossible status')
  }

  fail(failure: CallFailure): void {
    if (this.#over) return
    this.#over = true
    this.#record.called(failure.kind)
    this.#tell(failure)
  }

  drain(): void {
    // Nothing is written but the end.
  }

  #failed(message: string): void {
    this.#tell({ code: '', kind: 'handler', message, expose: false })
  }

  #tell(failure: CallFailure): void {
    attempt(this.#record, () => this.#record.refuse(problemOf(failure)))
  }

  #refuse(): void {
    const record = this.#record
    const body = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      body.set(chunk, at)
      at += chunk.length
    }
    if (this.#status === 304) {
      this.#failed('status 304')
      return
    }
    try {
      record.answer(this.#status, responseHead(this.#headers).headers, body)
    } catch (error) {
      const { env, requestId } = record
      env.log.error({ err: error, requestId }, 'the HTTP driver failed while an answer was sent')
      this.#failed('not valid in HTTP')
      return
    }
    record.exchange.body.cancel()
    record.finish('not let in')
  }

  #gone(): void {
    if (this.#over) return
    this.#over = true
    this.#record.called('cancelled')
    this.#handle?.cancel('client closed')
    this.#record.finish('client closed', true)
  }
}

/** `auth-user` as `:auth.user`: no client can send a name like it. */
function handedOn(headers: HeaderList): readonly string[] {
  const fields: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    if (name.startsWith(PREFIX) && name.length > PREFIX.length) {
      fields.push(`:auth.${name.slice(PREFIX.length)}`, headers[i + 1] as string)
    }
  }
  return fields
}
