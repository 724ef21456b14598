import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { excerpt } from '../refusal.ts'
import { NodeBody, noBody } from './body.ts'
import { type ExchangeContext, NodeExchange } from './exchange.ts'
import { peerText } from './peer.ts'
import { type RequestHead, readRequestHead } from './request-head.ts'
import type { StallWatch } from './stall.ts'
import { Http1Transport, Http2Transport, type Transport } from './transport.ts'

const REASONS = { 400: 'malformed', 431: 'headers-too-large', 505: 'version' } as const

interface AcceptContext extends ExchangeContext {
  readonly reads: StallWatch
  readonly maxHeaderSize: number
}

export interface AcceptOptions {
  readonly context: AcceptContext
  /** The client waits to be told that it may send the body. */
  readonly asks: boolean
}

/** Makes a request of either protocol an exchange, or answers what is none and returns nothing. */
export function acceptRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { context, asks }: AcceptOptions,
): NodeExchange | undefined {
  const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream }
  const httpVersion = versionOf(request)
  const transport: Transport =
    stream === undefined ? new Http1Transport(request, response) : new Http2Transport(stream)
  const head = readRequestHead({
    target: request.url ?? '',
    rawHeaders: request.rawHeaders,
    httpVersion,
    maxHeaderSize: context.maxHeaderSize,
    known: stream !== undefined || /^1\.[01]$/.test(request.httpVersion),
  })
  if (head.refuse !== 0) {
    const answer = { status: head.refuse, headers: [], length: 0, close: true }
    transport.head(answer, true)
    context.refused({
      reason: REASONS[head.refuse],
      peer: peerText(request.socket.remoteAddress),
      status: head.refuse,
      sent: excerpt(`${request.method} ${request.url}`),
    })
    return undefined
  }
  const upload = hasBody(head, stream)
    ? new NodeBody(request, {
        length: head.length,
        stalls: context.reads,
        onStall: () => exchange.uploadStalled(),
        onFirstRead: () => exchange.goOn?.(),
      })
    : undefined
  const exchange = new NodeExchange(
    {
      method: request.method ?? '',
      httpVersion,
      head,
      peer: peerText(request.socket.remoteAddress),
      transport,
      body: upload ?? noBody(head.length),
      upload,
    },
    context,
  )
  if (asks) {
    exchange.goOn = () => {
      exchange.goOn = undefined
      response.writeContinue()
    }
  }
  return exchange
}

function versionOf(request: IncomingMessage): '1.0' | '1.1' | '2.0' {
  if ((request as { readonly stream?: unknown }).stream !== undefined) return '2.0'
  return request.httpVersionMinor === 0 ? '1.0' : '1.1'
}

function hasBody(head: RequestHead, stream: ServerHttp2Stream | undefined): boolean {
  if (stream !== undefined) return !stream.endAfterHeaders
  return head.chunked || (head.length !== undefined && head.length > 0)
}
