import type { GrpcConfig } from '../config/grpc.ts'
import type { Exchange } from '../driver.ts'
import type { Cors } from '../edge/cors.ts'
import { headerOf, type RequestRecord } from '../transfer/request-record.ts'
import { GRPC_ERRORS } from './errors.ts'
import { GrpcExchange, type GrpcExchangeOptions } from './grpc-exchange.ts'
import { type GrpcKind, grpcKind, grpcTimeout } from './kind.ts'

/** A request that is gRPC. */
export interface GrpcRequest {
  /** What the client gave it, in milliseconds. */
  readonly timeoutMs: number | undefined
}

/** Milliseconds a client may give a call of a route that says nothing of it: an hour. */
const MOST_MS = 3_600_000
/** What scripts have to read to know how their call went. */
const STATUS = ['grpc-status', 'grpc-message', 'grpc-status-details-bin']

/** What a page may read of answers of gRPC-Web. */
export function exposingStatus(cors: Cors | undefined): Cors | undefined {
  return cors && { ...cors, expose: [...cors.expose, ...STATUS] }
}

/**
 * Makes a request of gRPC or gRPC-Web one like any other: its messages are the body, and the answer's
 * status comes from a frame of trailers at the end of the body, as gRPC-Web has it. Answers what is
 * none, and returns nothing.
 */
export function openGrpc(record: RequestRecord, config: GrpcConfig): GrpcRequest | undefined {
  const { exchange } = record
  const kind = grpcKind(headerOf(exchange.headers, 'content-type'))
  const refusal = mediaProblem(kind, config.web, exchange.httpVersion)
  if (kind === undefined || refusal !== undefined) {
    const detail = refusal ?? 'This is no gRPC.'
    record.refuse({ status: 415, code: 'FLATEND_GATEWAY_MEDIA_TYPE', detail })
    return undefined
  }
  const { headers } = exchange
  speakGrpc(record, { kind, maxMessage: config.maxMessage })
  return withTimeout(record, headerOf(headers, 'grpc-timeout'))
}

/** How a request that no route answers speaks gRPC; `undefined` where it is no call of gRPC. */
export function callOfGrpc({ headers, httpVersion, method }: Exchange): GrpcKind | undefined {
  if (method !== 'POST') return undefined
  const kind = grpcKind(headerOf(headers, 'content-type'))
  return mediaProblem(kind, false, httpVersion) === undefined ? kind : undefined
}

/** From now on the request is one of gRPC: its errors are statuses. */
export function speakGrpc(record: RequestRecord, options: GrpcExchangeOptions): void {
  record.errors = GRPC_ERRORS
  record.exchange = new GrpcExchange(record, options)
}

function mediaProblem(
  kind: GrpcKind | undefined,
  web: boolean,
  httpVersion: string,
): string | undefined {
  if (kind?.speaks !== 'grpc') return undefined
  if (web) return 'This path takes gRPC-Web alone.'
  return httpVersion === '2.0' ? undefined : 'gRPC needs HTTP/2; gRPC-Web does not.'
}

function withTimeout(record: RequestRecord, text: string | undefined): GrpcRequest | undefined {
  if (text === undefined) return { timeoutMs: undefined }
  const timeoutMs = grpcTimeout(text)
  if (timeoutMs !== undefined) return { timeoutMs: Math.min(timeoutMs, MOST_MS) }
  const detail = 'The header grpc-timeout is not valid.'
  record.refuse({ status: 400, code: 'FLATEND_GATEWAY_MALFORMED', detail })
  return undefined
}
