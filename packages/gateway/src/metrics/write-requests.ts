import type { RefusalReason } from '../refusal.ts'
import { DURATION_BOUNDS, Histogram } from './histogram.ts'
import type { PrometheusText } from './prometheus.ts'
import { type RouteCounts, STATUS_CLASSES } from './request-metrics.ts'

/** Writes what was counted of requests and calls. */
export function writeRequests(text: PrometheusText, counts: readonly RouteCounts[]): void {
  const routes = bySeries(counts)
  writeClasses(text, routes)
  writeDurations(text, routes)
  counter(text, 'flatend_http_request_bytes_total', 'Bytes of request bodies read.')
  for (const route of routes) text.sample(route.requestBytes, labelsOf(route))
  counter(text, 'flatend_http_response_bytes_total', 'Bytes of response bodies sent.')
  for (const route of routes) text.sample(route.responseBytes, labelsOf(route))
  counter(text, 'flatend_http_aborted_total', 'Answers that were broken off.')
  for (const route of routes) text.sample(route.aborted, labelsOf(route))
  counter(text, 'flatend_http_retries_total', 'Calls that were sent to another provider.')
  for (const route of routes) text.sample(route.retries, labelsOf(route))
  writeGrpc(text, routes)
  writeCalls(text, counts)
}

/** Routes of several listeners may be one series, and so may those before and after a reload. */
function bySeries(routes: readonly RouteCounts[]): readonly RouteCounts[] {
  const series = new Map<string, RouteCounts>()
  for (const route of routes) {
    const name = JSON.stringify(labelsOf(route))
    const before = series.get(name)
    series.set(name, before === undefined ? route : sumOf(before, route))
  }
  return [...series.values()]
}

function sumOf(a: RouteCounts, b: RouteCounts): RouteCounts {
  const durations = new Histogram()
  durations.counts.set(added(a.durations.counts, b.durations.counts))
  durations.sum = a.durations.sum + b.durations.sum
  durations.count = a.durations.count + b.durations.count
  const grpc = new Map(a.grpc)
  for (const [status, count] of b.grpc) grpc.set(status, (grpc.get(status) ?? 0) + count)
  return {
    labels: a.labels,
    calls: a.calls,
    durations,
    grpc,
    classes: added(a.classes, b.classes),
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
    aborted: a.aborted + b.aborted,
    retries: a.retries + b.retries,
  }
}

const added = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((count, index) => count + (b[index] ?? 0))

/** Writes what was counted of clients that were turned away. */
export function writeRefusals(
  text: PrometheusText,
  refusals: ReadonlyMap<RefusalReason, number>,
): void {
  counter(text, 'flatend_http_refused_total', 'Clients turned away without a request, by reason.')
  for (const [reason, count] of refusals) text.sample(count, { reason })
}

function writeClasses(text: PrometheusText, routes: readonly RouteCounts[]): void {
  counter(text, 'flatend_http_requests_total', 'Requests by route and class of status.')
  for (const route of routes) {
    for (const [index, status] of STATUS_CLASSES.entries()) {
      const count = route.classes[index] as number
      if (count > 0) text.sample(count, { ...labelsOf(route), status })
    }
  }
}

function writeDurations(text: PrometheusText, routes: readonly RouteCounts[]): void {
  text.family({
    name: 'flatend_http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    type: 'histogram',
  })
  for (const route of routes) {
    const { durations } = route
    if (durations.count === 0) continue
    const labels = labelsOf(route)
    let below = 0
    for (const [index, count] of durations.counts.entries()) {
      below += count
      const bound = DURATION_BOUNDS[index]
      const le = bound === undefined ? '+Inf' : String(bound / 1_000)
      text.sample(below, { ...labels, le }, '_bucket')
    }
    text.sample(durations.sum / 1_000, labels, '_sum').sample(durations.count, labels, '_count')
  }
}

function writeGrpc(text: PrometheusText, routes: readonly RouteCounts[]): void {
  counter(text, 'flatend_grpc_requests_total', 'Calls of gRPC by route and status.')
  for (const route of routes) {
    for (const [status, count] of route.grpc) {
      text.sample(count, { route: route.labels.path, grpc_status: String(status) })
    }
  }
}

/** Routes may share services: their calls are one sample. */
function writeCalls(text: PrometheusText, routes: readonly RouteCounts[]): void {
  const sums = new Map<string, { service: string; outcome: string; count: number }>()
  for (const { labels, calls } of routes) {
    const service = labels.services.join(',')
    for (const [outcome, count] of calls) {
      const name = `${service}\n${outcome}`
      const sum = sums.get(name)
      if (sum) sum.count += count
      else sums.set(name, { service, outcome, count })
    }
  }
  counter(text, 'flatend_calls_total', 'Calls of the gateway by service and how they ended.')
  for (const { service, outcome, count } of sums.values()) text.sample(count, { service, outcome })
}

const counter = (text: PrometheusText, name: string, help: string): PrometheusText =>
  text.family({ name, help, type: 'counter' })

const labelsOf = ({ labels }: RouteCounts): { route: string; method: string } => ({
  route: labels.path === '' ? 'none' : labels.path,
  method: labels.method,
})
