import type {
  BodySink,
  CloseListener,
  Exchange,
  RequestBody,
  RespondOptions,
  UpgradeExchange,
} from '../driver.ts'
import { GatewayError } from '../errors.ts'
import { checkResponse, isBodyless } from '../http2/header-check.ts'
import { peerOfBytes } from '../http2/peer.ts'
import { failSlowUpload } from '../http2/slow-upload.ts'
import type { StallWatch } from '../http2/stall.ts'
import { excerpt, type Refusal, type RefusalReason } from '../refusal.ts'
import { EMPTY_BODY, NO_BODY, UwsBody } from './body.ts'
import { headSize, type ResponseHead, writeHead } from './head.ts'
import type { RequestHead } from './request-head.ts'
import { type SinkHost, UwsSink } from './sink.ts'
import { afterTurn, currentTurn, fitsCork, takeCork } from './turn.ts'
import type { UwsResponse } from './types.ts'

/** Milliseconds an upload nobody wants is read on, so that its client sees the answer. */
const LINGER_MS = 2_000

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
  readonly reads: StallWatch
  readonly writes: StallWatch
  /** No new requests are wanted on this connection. */
  readonly draining: boolean
  closed(exchange: UwsExchange): void
  refused(refusal: Refusal): void
}

export interface RequestLine {
  readonly method: string
  readonly path: string
  readonly query: string
}

/** One request of uWebSockets.js and its answer. */
export class UwsExchange implements Exchange, SinkHost {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly httpVersion = '1.1'
  readonly headers: readonly string[]
  readonly body: RequestBody
  /** Where the client asks for a WebSocket. */
  upgrade: UpgradeExchange | undefined
  readonly #context: ExchangeContext
  #response: UwsResponse | undefined
  #peer: string | undefined
  /** The body if there is one. */
  #upload: UwsBody | undefined
  #turn = currentTurn()
  #responded = false
  /** The body stopped to come: the connection is of no use after the answer. */
  #slow = false
  #onClose: CloseListener | undefined
  #closed = false
  #sink: UwsSink | undefined
  /**
   * A chunked request: the library ends it at the last chunk and takes trailers for the next
   * request. So its answer is not completed on the stack of the parser, and the connection is not
   * used again.
   */
  readonly #chunked: boolean
  #held: (() => void) | undefined
  #released: boolean
  #linger: NodeJS.Timeout | undefined

  constructor(
    response: UwsResponse,
    request: { readonly line: RequestLine; readonly head: RequestHead },
    context: ExchangeContext,
  ) {
    const { line, head } = request
    this.#response = response
    this.#context = context
    this.method = line.method
    this.rawPath = line.path
    this.rawQuery = line.query
    this.scheme = context.scheme
    this.authority = head.authority
    this.headers = head.headers
    this.#chunked = head.chunked
    this.#released = !head.chunked
    const hasBody = head.chunked || (head.length !== undefined && head.length > 0)
    if (hasBody) this.#upload = this.#attach(response, head.length)
    this.body = this.#upload ?? (head.length === undefined ? NO_BODY : EMPTY_BODY)
  }

  /** Asked of the library when it is wanted: a fifth of what a short answer costs. */
  get peer(): string {
    const response = this.#response
    if (this.#peer !== undefined || response === undefined) return this.#peer ?? ''
    this.#peer = peerOfBytes(new Uint8Array(response.getRemoteAddress()))
    return this.#peer
  }

  get response(): UwsResponse | undefined {
    return this.#response
  }

  /** Asked for while the request is handled, or never: hardly a listener is behind such a proxy. */
  get proxied(): string | undefined {
    const address = this.#response?.getProxiedRemoteAddress()
    return address && (peerOfBytes(new Uint8Array(address)) || undefined)
  }

  get corked(): boolean {
    return this.#turn === currentTurn()
  }

  get paused(): boolean {
    return this.#upload?.paused === true
  }

  get stalls(): StallWatch {
    return this.#context.writes
  }

  get responded(): boolean {
    return this.#responded
  }

  onClose(listener: CloseListener): void {
    if (this.#closed) listener()
    else this.#onClose = listener
  }

  respond(status: number, headers: readonly string[], options: RespondOptions = {}): BodySink {
    const size = headSize(checkResponse(status, headers))
    if (this.#responded) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this request is answered already')
    }
    this.#responded = true
    if (this.#response === undefined) return NOWHERE
    const close = this.#chunked || this.#context.draining || this.#slow
    const head: ResponseHead = { status, headers, size, close: false }
    if (options.end === true || isBodyless(this.method, status)) {
      this.#bodyless({ ...head, close }, options.length ?? options.body?.length)
      return NOWHERE
    }
    const { body } = options
    if (body !== undefined && fitsCork(size + body.length)) {
      this.#whole(head, body, close)
      return NOWHERE
    }
    return this.#stream({ ...head, close }, options)
  }

  /**
   * The connection is to be a WebSocket: no answer is possible any more.
   * @throws GatewayError `FLATEND_GATEWAY_STATE` where there was one, or the client is gone
   */
  leave(): UwsResponse {
    const response = this.#response
    if (this.#responded || response === undefined) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this request is answered already, or gone')
    }
    this.#responded = true
    this.upgrade = undefined
    this.#over()
    return response
  }

  /** The connection ended before the answer was complete. */
  aborted(): void {
    if (this.#response === undefined) return
    this.#gone(new Error('the client closed the connection'))
    this.#closed = true
    this.#onClose?.()
  }

  /** The client neither sends nor takes anything any more, or cannot be stopped: as good as gone. */
  stalled(reason: RefusalReason = 'answer-timeout'): void {
    const sent = excerpt(`${this.method} ${this.rawPath}`)
    this.#context.refused({ reason, peer: this.peer, status: undefined, sent })
    const response = this.#response
    this.aborted()
    response?.close()
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
    const response = this.#response
    if (response === undefined) return
    this.#gone(new Error('the connection was broken off'))
    response.close()
  }

  finish(write: (response: UwsResponse) => void): void {
    if (this.#released) {
      this.#complete(write)
      return
    }
    this.#held = () => this.#complete(write)
    this.#upload?.discard()
    this.#linger ??= setTimeout(() => this.#release(), LINGER_MS)
  }

  finished(): void {
    this.#upload?.detach()
    this.#over()
  }

  #attach(response: UwsResponse, length: number | undefined): UwsBody {
    return new UwsBody(response, {
      length,
      stalls: this.#context.reads,
      onStall: () => this.uploadStalled(),
      onArrival: () => {
        this.#turn = currentTurn()
      },
      onEnd: () => {
        if (!this.#released) afterTurn(() => this.#release())
      },
      onPause: () => this.#sink?.pauseChanged(),
      onOverflow: () => this.stalled('upload-too-fast'),
    })
  }

  #whole(head: ResponseHead, body: Uint8Array, close: boolean): void {
    const send = (): void =>
      this.finish((response) =>
        response.cork(() => {
          // Closed while the client still sends, the connection would be reset, and the answer lost.
          const force = close && this.#upload?.ended !== false
          writeHead(response, force ? head : { ...head, close })
          response.end(body, force)
        }),
      )
    if (this.corked && !takeCork(head.size + body.length)) afterTurn(send)
    else send()
  }

  /** What goes without a body by itself needs no length; anything else would be waited for. */
  #bodyless(head: ResponseHead, given: number | undefined): void {
    const length = given ?? (isBodyless(this.method, head.status) ? undefined : 0)
    const send = (): void =>
      this.finish((response) =>
        response.cork(() => {
          writeHead(response, head)
          // The library would send a length of its own, and keep the connection busy with it.
          if (length !== undefined && head.status !== 204) {
            response.writeHeader('content-length', String(length))
          }
          response.endWithoutBody()
        }),
      )
    if (this.corked && !takeCork(head.size)) afterTurn(send)
    else send()
  }

  #stream(head: ResponseHead, { body, length }: RespondOptions): BodySink {
    // With a length the library would end a chunked request's answer by itself, and too early.
    const total = this.#chunked ? undefined : (body?.length ?? length)
    const sink = new UwsSink(this, head, total)
    this.#sink = sink
    if (body === undefined) return sink
    sink.end(body)
    return NOWHERE
  }

  #complete(write: (response: UwsResponse) => void): void {
    const response = this.#response
    if (response === undefined) return
    this.#upload?.detach()
    this.#over()
    write(response)
  }

  #release(): void {
    this.#released = true
    const held = this.#held
    this.#held = undefined
    held?.()
  }

  #gone(error: Error): void {
    this.#upload?.fail(error)
    this.#over()
  }

  #over(): void {
    this.#response = undefined
    this.#held = undefined
    clearTimeout(this.#linger)
    this.#sink?.closed()
    this.#context.closed(this)
  }
}
