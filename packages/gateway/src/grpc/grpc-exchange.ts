import type { BodySink, CloseListener, RequestBody, RespondOptions } from '../driver.ts'
import { ExchangeWrapper } from '../exchange-wrapper.ts'
import { headerOf, type RequestRecord } from '../transfer/request-record.ts'
import { GrpcAnswerSink } from './answer-sink.ts'
import { mayCompress } from './frames.ts'
import { contentTypeOf, type GrpcKind } from './kind.ts'
import { GrpcRequestBody } from './request-body.ts'
import { statusFields, statusOf, statusOfHttp } from './status.ts'

const NOWHERE: BodySink = {
  write: () => true,
  ready: () => Promise.resolve(),
  end: () => {},
  abort: () => {},
}
/** Bytes of an error's body that are looked at for its title. */
const MAX_TITLE = 4_096
/** Fields that do not fit what is made of the body. */
const OF_BODY: ReadonlySet<string> = new Set(['content-length', 'content-type'])
/** Between the client and the gateway alone. */
const OF_HOP: ReadonlySet<string> = new Set([...OF_BODY, 'grpc-timeout'])

export interface GrpcExchangeOptions {
  readonly kind: GrpcKind
  /** Bytes of one message, either way. */
  readonly maxMessage: number
}

/** A request of gRPC as one like any other: a body of messages, and an answer with a status. */
export class GrpcExchange extends ExchangeWrapper {
  readonly #headers: readonly string[]
  readonly #body: RequestBody
  readonly #record: RequestRecord
  readonly #options: GrpcExchangeOptions
  #listener: CloseListener = () => {}

  constructor(record: RequestRecord, options: GrpcExchangeOptions) {
    const { exchange } = record
    const { kind, maxMessage } = options
    super(exchange)
    this.#record = record
    this.#options = options
    this.#headers = [
      ...without(exchange.headers, OF_HOP),
      'content-type',
      `application/grpc${kind.suffix}`,
    ]
    this.#body = new GrpcRequestBody(exchange.body, {
      maxMessage,
      compressed: mayCompress(exchange.headers),
      text: kind.speaks === 'text',
    })
  }

  override get headers(): readonly string[] {
    return this.#headers
  }
  override get body(): RequestBody {
    return this.#body
  }

  override onClose(listener: CloseListener): void {
    this.#listener = listener
    this.inner.onClose(listener)
  }

  override respond(
    status: number,
    headers: readonly string[],
    options: RespondOptions = {},
  ): BodySink {
    const messages = headerOf(headers, 'content-type')?.startsWith('application/grpc') === true
    if (status !== 200 || !messages) {
      const title = titleOf(options.body) ?? `The service answered with status ${status}.`
      return this.#statusOnly([...headers, ...statusFields(statusOfHttp(status), title)])
    }
    if (statusOf(headers) !== undefined) return this.#statusOnly(headers)
    const { kind, maxMessage } = this.#options
    const below = this.inner.respond(200, this.#told(headers), { trailers: true })
    const sink = new GrpcAnswerSink(below, {
      speaks: kind.speaks,
      maxMessage,
      compressed: mayCompress(headers),
      onEnd: (trailers) => {
        this.#record.grpcStatus = statusOf(trailers)
      },
      onFailed: (reason) => this.#listener(reason),
    })
    const { body } = options
    if (body === undefined && options.end !== true) return sink
    sink.end(body)
    return NOWHERE
  }

  /** No message: the status is one of the headers. */
  #statusOnly(headers: readonly string[]): BodySink {
    const { kind } = this.#options
    this.#record.status = 200
    this.#record.grpcStatus = statusOf(headers)
    // In HTTP/2 the head itself has to end the stream.
    const end = kind.speaks === 'grpc' ? { end: true } : { end: true, length: 0 }
    this.inner.respond(200, this.#told(headers), end)
    return NOWHERE
  }

  #told(headers: readonly string[]): readonly string[] {
    return ['content-type', contentTypeOf(this.#options.kind), ...without(headers, OF_BODY)]
  }
}

function without(headers: readonly string[], names: ReadonlySet<string>): readonly string[] {
  return headers.filter((_, i) => !names.has(headers[i - (i % 2)] as string))
}

/** What a service's error says that it was told to say. */
function titleOf(body: Uint8Array | undefined): string | undefined {
  if (body === undefined || body.length > MAX_TITLE) return undefined
  try {
    const { title } = JSON.parse(new TextDecoder().decode(body)) as { readonly title?: unknown }
    return typeof title === 'string' ? title : undefined
  } catch {
    return undefined
  }
}
