import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DURATION_BOUNDS, Histogram } from '../src/metrics/histogram.ts'
import { PrometheusText } from '../src/metrics/prometheus.ts'
import { createRequestMetrics } from '../src/metrics/request-metrics.ts'
import { writeRequests } from '../src/metrics/write-requests.ts'

const outcome = (status: number | undefined, durationMs = 3) => ({
  status,
  durationMs,
  requestBytes: 10,
  responseBytes: 20,
  aborted: status === undefined,
})

test('a histogram counts each duration in the bucket of its bound', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 20_000, noNaN: true })), (durations) => {
      const histogram = new Histogram()
      for (const duration of durations) histogram.observe(duration)
      let below = 0
      for (const [index, bound] of DURATION_BOUNDS.entries()) {
        below += histogram.counts[index] ?? 0
        expect(below).toBe(durations.filter((duration) => duration <= bound).length)
      }
      expect(below + (histogram.counts.at(-1) ?? 0)).toBe(durations.length)
      expect(histogram.count).toBe(durations.length)
    }),
  )
})

test('a route has the same counters again after a reload', () => {
  const metrics = createRequestMetrics()
  const labels = { method: 'GET', path: '/a', services: ['s'] }
  metrics.route(labels).finished(outcome(200))
  metrics.route({ ...labels }).finished(outcome(503))
  metrics.route().finished(outcome(404))
  expect(metrics.routes).toHaveLength(2)
  expect(metrics.routes[0]).toMatchObject({ requestBytes: 20, responseBytes: 40, aborted: 0 })
  expect([...(metrics.routes[0]?.classes ?? [])]).toEqual([0, 0, 1, 0, 0, 1])
})

test('the number of series is bounded, however often routes change', () => {
  const metrics = createRequestMetrics()
  for (let i = 0; i < 3_000; i++) {
    metrics.route({ method: 'GET', path: `/${i}`, services: [] }).finished(outcome(200))
  }
  expect(metrics.routes.length).toBeLessThanOrEqual(1_001)
  expect(metrics.routes.at(-1)?.labels.path).toBe('other')
  expect(metrics.routes.at(-1)?.durations.count).toBe(2_000)
})

test('the text has a line for each series, escaped', () => {
  const metrics = createRequestMetrics()
  const meter = metrics.route({ method: 'GET', path: '/"a\\', services: ['s', 't'] })
  meter.finished(outcome(200, 3))
  meter.finished(outcome(undefined, 20_000))
  meter.called('ok')
  meter.called('deadline')
  meter.retried?.()
  metrics.route({ method: 'PUT', path: '/b', services: ['s', 't'] }).called('ok')
  const text = new PrometheusText()
  writeRequests(text, metrics.routes)
  const lines = text.toString().split('\n')
  const labels = 'route="/\\"a\\\\",method="GET"'
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE flatend_http_requests_total counter',
      `flatend_http_requests_total{${labels},status="2xx"} 1`,
      `flatend_http_requests_total{${labels},status="none"} 1`,
      `flatend_http_request_duration_seconds_bucket{${labels},le="0.0025"} 0`,
      `flatend_http_request_duration_seconds_bucket{${labels},le="0.005"} 1`,
      `flatend_http_request_duration_seconds_bucket{${labels},le="10"} 1`,
      `flatend_http_request_duration_seconds_bucket{${labels},le="+Inf"} 2`,
      `flatend_http_request_duration_seconds_count{${labels}} 2`,
      `flatend_http_aborted_total{${labels}} 1`,
      `flatend_http_retries_total{${labels}} 1`,
      'flatend_calls_total{service="s,t",outcome="ok"} 2',
      'flatend_calls_total{service="s,t",outcome="deadline"} 1',
    ]),
  )
  // Each line is what Prometheus's text format allows.
  const sample = /^[a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? [\d.e+-]+$/
  const samples = lines.slice(0, -1).filter((line) => !line.startsWith('#'))
  expect(samples.filter((line) => !sample.test(line))).toEqual([])
})

test('routes of one method and path are one series, whatever their services', () => {
  const metrics = createRequestMetrics()
  for (const [service, status, durationMs] of [
    ['a', 200, 3],
    ['b', 200, 20_000],
    ['c', 503, 3],
  ] as const) {
    const meter = metrics.route({ method: 'GET', path: '/', services: [service] })
    meter.finished({ ...outcome(status, durationMs), grpcStatus: 0, aborted: true })
    meter.retried?.()
    meter.called('ok')
  }
  const text = new PrometheusText()
  writeRequests(text, metrics.routes)
  const samples = text
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const names = samples.map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(new Set(names).size).toBe(names.length)
  expect(samples).toEqual(
    expect.arrayContaining([
      'flatend_http_requests_total{route="/",method="GET",status="2xx"} 2',
      'flatend_http_requests_total{route="/",method="GET",status="5xx"} 1',
      'flatend_http_request_duration_seconds_bucket{route="/",method="GET",le="0.005"} 2',
      'flatend_http_request_duration_seconds_sum{route="/",method="GET"} 20.006',
      'flatend_http_request_duration_seconds_count{route="/",method="GET"} 3',
      'flatend_http_request_bytes_total{route="/",method="GET"} 30',
      'flatend_http_response_bytes_total{route="/",method="GET"} 60',
      'flatend_http_aborted_total{route="/",method="GET"} 3',
      'flatend_http_retries_total{route="/",method="GET"} 3',
      'flatend_grpc_requests_total{route="/",grpc_status="0"} 3',
      'flatend_calls_total{service="b",outcome="ok"} 1',
    ]),
  )
})
