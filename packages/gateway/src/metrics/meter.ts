import type { CallFailure } from '../ports.ts'
import type { RefusalReason } from '../refusal.ts'

/** How a call of the gateway ended: well, with a failure, or given up by the gateway or its client. */
export type CallOutcome = 'ok' | CallFailure['kind']

/** A request that is over, in numbers. */
export interface RequestOutcome {
  /** The status sent; `undefined` where the client left before any. */
  readonly status: number | undefined
  /** The status of gRPC, where the answer ended with one. */
  readonly grpcStatus?: number | undefined
  readonly requestBytes: number
  readonly responseBytes: number
  readonly durationMs: number
  /** The answer was broken off. */
  readonly aborted: boolean
}

/** Counts what happens on one route. Called on the hot path: be quick, keep nothing, do not throw. */
export interface RouteMeter {
  /** @param outcome - read it at once: it is used again */
  finished(outcome: RequestOutcome): void
  called(outcome: CallOutcome): void
  /** A call was sent to another provider. */
  retried?(): void
}

/** What a route's counters are told apart by. */
export interface RouteLabels {
  readonly method: string
  readonly path: string
  readonly services: readonly string[]
}

/** Counts requests; `createRequestMetrics()` makes one. */
export interface GatewayMetrics {
  /** The counters of a route, asked for once when it is built; without labels, of what matches none. */
  route(labels?: RouteLabels): RouteMeter
  /** A client was turned away before there was a request, or because it stood still. */
  refused?(reason: RefusalReason): void
}
