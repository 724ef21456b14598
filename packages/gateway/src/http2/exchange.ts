import type {
  BodySink,
  CloseListener,
  Exchange,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from '../driver.ts'
import { GatewayError } from '../errors.ts'
import { excerpt, type Refusal, type RefusalReason } from '../refusal.ts'
import type { NodeBody } from './body.ts'
import { checkResponse, isBodyless } from './header-check.ts'
import type { RequestHead } from './request-head.ts'
import { NodeSink } from './sink.ts'
import { failSlowUpload } from './slow-upload.ts'
import type { StallWatch } from './stall.ts'
import type { ResponseHead, Transport } from './transport.ts'

/** Bytes of a whole body that go to Node in one piece; what is larger is written as it is taken. */
const ONE_WRITE = 65_536
/** Milliseconds a client whose upload stalled has to take the answer. */
const LINGER_MS = 1_000

/** A sink for a body that nobody is to see. */
const NOWHERE: BodySink = {
  write: () => true,
  ready: () => Promise.resolve(),
  end: () => {},
  abort: () => {},
}

/** What exchanges of one listener share. */
export interface ExchangeContext {
  readonly scheme: 'http' | 'https'
  readonly writes: StallWatch
  readonly draining: boolean
  refused(refusal: Refusal): void
}

export interface ExchangeParts {
  readonly method: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  readonly head: RequestHead
  readonly peer: string
  readonly transport: Transport
  readonly body: RequestBody
  /** The body, where there is one. */
  readonly upload: NodeBody | undefined
}

/** One request of Node's servers and its answer. */
export class NodeExchange implements Exchange {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  readonly headers: readonly string[]
  readonly peer: string
  readonly body: RequestBody
  readonly #context: ExchangeContext
  #transport: Transport | undefined
  readonly #upload: NodeBody | undefined
  /** Tells a client that asked whether to send its body to do so; `undefined` once it is told. */
  goOn: (() => void) | undefined
  /** Where the client asks for a WebSocket. */
  upgrade: UpgradeExchange | undefined
  #responded = false
  /** The body stopped to come: the connection is of no use after the answer. */
  #slow = false
  #sink: NodeSink | undefined
  #gone = false
  #closed = false
  #onClose: CloseListener | undefined

  constructor(parts: ExchangeParts, context: ExchangeContext) {
    const { head } = parts
    this.method = parts.method
    this.scheme = context.scheme
    this.authority = head.authority
    this.rawPath = head.path
    this.rawQuery = head.query
    this.httpVersion = parts.httpVersion
    this.headers = head.headers
    this.peer = parts.peer
    this.body = parts.body
    this.#upload = parts.upload
    this.#transport = parts.transport
    this.#context = context
  }

  get responded(): boolean {
    return this.#responded
  }

  onClose(listener: CloseListener): void {
    if (this.#closed) listener()
    else this.#onClose = listener
  }

  respond(status: number, headers: readonly string[], options: RespondOptions = {}): BodySink {
    checkResponse(status, headers)
    if (this.#responded) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this request is answered already')
    }
    this.#responded = true
    const transport = this.#transport
    if (this.#gone || transport === undefined) return NOWHERE
    const { body, length = body?.length, trailers } = options
    const head = { status, headers, length, close: this.#closing, trailers }
    try {
      return this.#send(transport, head, options)
    } catch (error) {
      // Node checks a head before any of it leaves, and refuses more than we do: HTTP/2 knows fields
      // that may be there once only. Another answer is possible.
      this.#responded = false
      this.#sink = undefined
      throw error
    }
  }

  #send(transport: Transport, head: ResponseHead, options: RespondOptions): BodySink {
    const { status, length } = head
    const { body } = options
    if (options.end === true || isBodyless(this.method, status)) {
      transport.head(status === 204 ? { ...head, length: undefined } : head, true)
      return NOWHERE
    }
    if (body !== undefined && body.length <= ONE_WRITE) {
      transport.whole(head, body)
      return NOWHERE
    }
    const begin = (): void => transport.head({ ...head, close: this.#closing }, false)
    return this.#stream(length, begin, body)
  }

  /** The stream below is closed: the answer is out, or the client is gone. */
  closed(complete: boolean): void {
    if (this.#gone) return
    this.#gone = true
    this.#sink?.closed()
    if (complete) {
      this.#upload?.answered()
      return
    }
    this.#upload?.fail(new Error('the client closed the connection'))
    this.#closed = true
    this.#onClose?.()
  }

  /**
   * The connection is to be a WebSocket: no answer is possible any more.
   * @throws GatewayError `FLATEND_GATEWAY_STATE` where there was one, or the client is gone
   */
  leave(): void {
    if (this.#responded || this.#gone) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this request is answered already, or gone')
    }
    this.#responded = true
    this.#gone = true
    // A WebSocket stays for long: what the request was made of need not.
    this.upgrade = undefined
    this.#transport = undefined
  }

  /** The client neither sends nor takes anything any more: as good as gone. */
  stalled(reason: RefusalReason = 'answer-timeout'): void {
    const sent = excerpt(`${this.method} ${this.rawPath}`)
    this.#context.refused({ reason, peer: this.peer, status: undefined, sent })
    this.closed(false)
    this.#transport?.abort()
  }

  /** The client sends nothing any more: whoever waits for it is told, and can say so at once. */
  uploadStalled(): void {
    if (this.#responded || this.#upload === undefined) {
      this.stalled('upload-timeout')
      return
    }
    this.#slow = true
    failSlowUpload(this, this.#upload, LINGER_MS)
  }

  /** Breaks the connection. */
  abort(): void {
    if (this.#gone) return
    this.#gone = true
    this.#sink?.closed()
    this.#upload?.fail(new Error('the connection was broken off'))
    this.#transport?.abort()
  }

  get #closing(): boolean {
    return this.#context.draining || this.goOn !== undefined || this.#slow
  }

  #stream(total: number | undefined, begin: () => void, body: Uint8Array | undefined): BodySink {
    const transport = this.#transport
    if (transport === undefined) return NOWHERE
    // The body may be read while the answer is written, and then it is too late to tell.
    if (body === undefined) this.goOn?.()
    const sink = new NodeSink(transport.writable, {
      stalls: this.#context.writes,
      total,
      onStall: () => this.stalled(),
      abort: () => this.abort(),
      trailers: (fields) => {
        checkResponse(200, fields)
        transport.trailers(fields)
      },
    })
    this.#sink = sink
    begin()
    if (body === undefined) return sink
    sink.end(body)
    return NOWHERE
  }
}
