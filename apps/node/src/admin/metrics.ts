import { PrometheusText, type RequestMetrics, writeRefusals, writeRequests } from '@flatend/gateway'
import type { GatewayState } from './state.ts'

/** All of a state in Prometheus's text format. No label has values a client could choose. */
export function writeMetrics(state: GatewayState, requests: RequestMetrics): string {
  const text = new PrometheusText()
  writeRequests(text, requests.routes)
  writeRefusals(text, requests.refusals)
  gauges(text, [
    ['flatend_http_in_flight', 'Requests that run.', state.inFlight],
    ['flatend_ready', 'Whether /readyz says yes.', state.readiness.ready ? 1 : 0],
  ])
  writeMesh(text, state)
  writeServices(text, state)
  writeCertificates(text, state)
  writeReloads(text, state)
  writeProcess(text, state)
  return text.toString()
}

/** Families of one sample: name, meaning, value. */
type Single = readonly [name: string, help: string, value: number]

function gauges(text: PrometheusText, list: readonly Single[]): void {
  for (const [name, help, value] of list) text.single({ name, help, type: 'gauge' }, value)
}

function counters(text: PrometheusText, list: readonly Single[]): void {
  for (const [name, help, value] of list) text.single({ name, help, type: 'counter' }, value)
}

function writeMesh(text: PrometheusText, { mesh, peers }: GatewayState): void {
  text.family({ name: 'flatend_peers', help: 'Connected nodes by version.', type: 'gauge' })
  text.sample(peers.count - peers.legacy, { version: '2' })
  text.sample(peers.legacy, { version: '1' })
  gauges(text, [['flatend_legacy_sessions', 'Sessions of the protocol of 2020.', peers.legacy]])
  gauges(text, [['flatend_streams', 'Calls under way over connections.', mesh.openStreams]])
  const { calls, streams } = mesh
  counters(text, [
    ['flatend_mesh_calls_total', 'Calls this node made.', calls.calls],
    ['flatend_retries_total', 'Calls sent to another provider.', calls.retries],
    ['flatend_calls_denied_total', 'Calls no provider was allowed.', calls.denied],
    ['flatend_calls_unprovided_total', 'Calls nobody offers.', calls.noProvider],
  ])
  text.family({
    name: 'flatend_streams_total',
    help: 'Streams by what happened to them.',
    type: 'counter',
  })
  for (const [event, count] of Object.entries(streams)) text.sample(count, { event: snake(event) })
  text.family({
    name: 'flatend_connections',
    help: 'Connections of the mesh and what is known of them.',
    type: 'gauge',
  })
  for (const [kind, count] of Object.entries(mesh.connections)) {
    if (typeof count === 'number') text.sample(count, { kind: snake(kind) })
  }
  const help = 'Connections refused, by the limit that was reached.'
  text.family({ name: 'flatend_connections_refused_total', help, type: 'counter' })
  for (const [limit, count] of Object.entries(mesh.connections.refused)) {
    text.sample(count, { limit })
  }
}

/** A counter's name in Prometheus's manner. */
function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function writeServices(text: PrometheusText, { services }: GatewayState): void {
  text.family({
    name: 'flatend_providers',
    help: 'Connected nodes that offer a service of the routes.',
    type: 'gauge',
  })
  for (const { name, providers } of services) text.sample(providers, { service: name })
}

function writeCertificates(text: PrometheusText, { certificates }: GatewayState): void {
  text.family({
    name: 'flatend_certificate_expiry_timestamp_seconds',
    help: 'When a certificate in use ends.',
    type: 'gauge',
  })
  for (const { names, notAfter } of certificates) {
    text.sample(notAfter / 1_000, { names: names.join(',') })
  }
}

function writeReloads(text: PrometheusText, { reloads }: GatewayState): void {
  const help = 'Reloads of the configuration by how they went.'
  text.family({ name: 'flatend_reloads_total', help, type: 'counter' })
  text.sample(reloads.succeeded, { outcome: 'ok' }).sample(reloads.failed, { outcome: 'failed' })
  const last = reloads.last === undefined || reloads.last.ok ? 1 : 0
  gauges(text, [['flatend_reload_last_ok', 'Whether the last reload went well.', last]])
}

function writeProcess(text: PrometheusText, state: GatewayState): void {
  const { loopDelay, memory, startedAt, cpuSeconds, version } = state
  text.family({
    name: 'flatend_event_loop_delay_seconds',
    help: 'How late the event loop was in the last ten seconds.',
    type: 'gauge',
  })
  text.sample(loopDelay.p50Ms / 1_000, { quantile: '0.5' })
  text.sample(loopDelay.p99Ms / 1_000, { quantile: '0.99' })
  text.sample(loopDelay.maxMs / 1_000, { quantile: '1' })
  gauges(text, [
    ['process_resident_memory_bytes', 'Memory of the process.', memory.rss],
    ['nodejs_heap_used_bytes', "Memory of JavaScript's objects.", memory.heapUsed],
    ['nodejs_external_memory_bytes', 'Memory of buffers.', memory.external],
    ['process_start_time_seconds', 'When the gateway began.', startedAt / 1_000],
  ])
  counters(text, [['process_cpu_seconds_total', 'CPU time.', cpuSeconds]])
  text.family({ name: 'flatend_info', help: 'What runs.', type: 'gauge' }).sample(1, { version })
}
