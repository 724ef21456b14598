import type { RefusalReason } from '../refusal.ts'
import { Histogram } from './histogram.ts'
import type {
  CallOutcome,
  GatewayMetrics,
  RequestOutcome,
  RouteLabels,
  RouteMeter,
} from './meter.ts'

/** Routes told apart at the most; what is above counts under {@link OTHER}. */
const MAX_ROUTES = 1_000
const NONE: RouteLabels = { method: '', path: '', services: [] }
const OTHER: RouteLabels = { method: '', path: 'other', services: ['other'] }

/** Names of the status classes, by first digit; 0 is a client that left before any status. */
export const STATUS_CLASSES: readonly string[] = ['none', '1xx', '2xx', '3xx', '4xx', '5xx']

/** What was counted on one route. */
export interface RouteCounts {
  readonly labels: RouteLabels
  /** Requests by status class, as {@link STATUS_CLASSES} names them. */
  readonly classes: Float64Array
  readonly durations: Histogram
  readonly requestBytes: number
  readonly responseBytes: number
  /** Answers broken off. */
  readonly aborted: number
  /** Calls that were sent to another provider. */
  readonly retries: number
  /** Answers of gRPC by status. */
  readonly grpc: ReadonlyMap<number, number>
  /** Calls by outcome; only outcomes there were. */
  readonly calls: ReadonlyMap<CallOutcome, number>
}

/** Counts everything, by route; see {@link createRequestMetrics}. */
export interface RequestMetrics extends GatewayMetrics {
  /** As counted until now; the objects go on counting. */
  readonly routes: readonly RouteCounts[]
  /** Clients turned away, by reason; only reasons there were. */
  readonly refusals: ReadonlyMap<RefusalReason, number>
}

/** Counters of requests and calls. A route has the same ones after a reload. */
export function createRequestMetrics(): RequestMetrics {
  return new Counters()
}

class Counters implements RequestMetrics {
  readonly #routes = new Map<string, RouteCounter>()
  readonly refusals = new Map<RefusalReason, number>()

  get routes(): readonly RouteCounts[] {
    return [...this.#routes.values()]
  }

  refused(reason: RefusalReason): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }

  route(labels: RouteLabels = NONE): RouteMeter {
    const name = JSON.stringify([labels.method, labels.path, labels.services])
    const known = this.#routes.get(name)
    if (known) return known
    if (this.#routes.size >= MAX_ROUTES && labels !== OTHER) return this.route(OTHER)
    const { method, path, services } = labels
    const made = new RouteCounter({ method, path, services })
    this.#routes.set(name, made)
    return made
  }
}

class RouteCounter implements RouteMeter, RouteCounts {
  readonly labels: RouteLabels
  readonly classes: Float64Array = new Float64Array(STATUS_CLASSES.length)
  readonly durations: Histogram = new Histogram()
  readonly calls = new Map<CallOutcome, number>()
  readonly grpc = new Map<number, number>()
  requestBytes = 0
  responseBytes = 0
  aborted = 0
  retries = 0

  constructor(labels: RouteLabels) {
    this.labels = labels
  }

  finished(outcome: RequestOutcome): void {
    const { status = 0 } = outcome
    const index = status < 600 ? Math.trunc(status / 100) : 0
    this.classes[index] = (this.classes[index] as number) + 1
    this.durations.observe(outcome.durationMs)
    this.requestBytes += outcome.requestBytes
    this.responseBytes += outcome.responseBytes
    if (outcome.aborted) this.aborted++
    const { grpcStatus } = outcome
    if (grpcStatus !== undefined) this.grpc.set(grpcStatus, (this.grpc.get(grpcStatus) ?? 0) + 1)
  }

  retried(): void {
    this.retries++
  }

  called(outcome: CallOutcome): void {
    this.calls.set(outcome, (this.calls.get(outcome) ?? 0) + 1)
  }
}
