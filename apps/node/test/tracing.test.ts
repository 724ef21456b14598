import { parseConfig } from '@flatend/gateway'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { startGateway } from '../src/gateway-node.ts'
import { silentLogger } from '../src/logger.ts'
import { createTestMesh } from '../src/testing/index.ts'

const exporter = new InMemorySpanExporter()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const GIVEN = `00-${TRACE}-b7ad6b7169203331-01`

afterEach(() => {
  trace.disable()
  exporter.reset()
})

function record(): void {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
}

const nameOf = ({ name, kind }: ReadableSpan): string => `${SpanKind[kind]} ${name}`
const below = (span: ReadableSpan | undefined): string | undefined =>
  span?.parentSpanContext?.spanId

function spans(): Map<string, ReadableSpan> {
  return new Map(exporter.getFinishedSpans().map((span) => [nameOf(span), span]))
}

async function mesh(telemetry: boolean) {
  const nodes = createTestMesh()
  onTestFinished(() => nodes.shutdown())
  const seen: (string | undefined)[] = []
  await nodes.start({
    telemetry,
    services: {
      inner: (ctx) => {
        seen.push(ctx.trace?.traceparent)
        return 'deep'
      },
      outer: async (ctx) => (await ctx.call('inner')).text(),
      bad: () => {
        throw new Error('broken')
      },
    },
  })
  return { client: await nodes.start({ telemetry }), seen }
}

test('a trace is passed on through handlers without OpenTelemetry', async () => {
  const { client, seen } = await mesh(false)
  await (await client.call('outer', '', { headers: { traceparent: GIVEN } })).text()
  await (await client.call('outer')).text()
  await (await client.call('outer', '', { headers: { traceparent: 'nonsense' } })).text()
  expect(seen).toEqual([GIVEN, undefined, undefined])
})

test('without an SDK nothing changes', async () => {
  const { client, seen } = await mesh(true)
  await (await client.call('outer', '', { headers: { traceparent: GIVEN } })).text()
  expect(seen).toEqual([GIVEN])
})

test('calls and handlers are spans, each below the one that caused it', async () => {
  record()
  const { client, seen } = await mesh(true)
  const headers = { traceparent: GIVEN, tracestate: 'vendor=1' }
  expect(await (await client.call('outer', '', { headers })).text()).toBe('deep')
  const all = spans()
  const [callOuter, outer, callInner, inner] = [
    'CLIENT call outer',
    'SERVER outer',
    'CLIENT call inner',
    'SERVER inner',
  ].map((name) => all.get(name))
  expect(below(callOuter)).toBe('b7ad6b7169203331')
  expect(below(outer)).toBe(callOuter?.spanContext().spanId)
  expect(below(callInner)).toBe(outer?.spanContext().spanId)
  expect(below(inner)).toBe(callInner?.spanContext().spanId)
  for (const span of all.values()) {
    expect(span.spanContext().traceId).toBe(TRACE)
    expect(span.spanContext().traceState?.get('vendor')).toBe('1')
  }
  expect(seen).toEqual([`00-${TRACE}-${inner?.spanContext().spanId}-01`])
})

test('a handler that fails is a span that failed', async () => {
  record()
  const { client } = await mesh(true)
  expect((await client.call('bad')).status).toBe(500)
  const span = spans().get('SERVER bad')
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'broken' })
  await expect(client.call('nobody', '', { timeoutMs: 300 })).rejects.toThrow('nobody')
  expect(spans().get('CLIENT call nobody')?.status.code).toBe(SpanStatusCode.ERROR)
})

test('a request to the gateway is a span above its call', async () => {
  record()
  const config = parseConfig(`addr = "127.0.0.1:0"
[[http]]
addr = "127.0.0.1:0"
driver = "node"
[[http.routes]]
path = "GET /hello/:name"
service = "hello"
`)
  const gateway = await startGateway({
    config,
    log: silentLogger,
    node: { services: { hello: (ctx) => `hello ${ctx.params['name']}` } },
  })
  onTestFinished(() => gateway.stop())
  const url = `http://127.0.0.1:${gateway.listeners[0]?.port}`
  const response = await fetch(`${url}/hello/you?token=secret`, { headers: { traceparent: GIVEN } })
  expect(await response.text()).toBe('hello you')
  await (await fetch(`${url}/nothing`)).text()
  const all = spans()
  const request = all.get('SERVER GET /hello/:name')
  expect(below(request)).toBe('b7ad6b7169203331')
  expect(request?.attributes).toMatchObject({
    'http.request.method': 'GET',
    'http.route': '/hello/:name',
    'http.response.status_code': 200,
    'url.path': '/hello/you',
  })
  expect(JSON.stringify(request?.attributes)).not.toContain('secret')
  expect(below(all.get('CLIENT call hello'))).toBe(request?.spanContext().spanId)
  expect(below(all.get('SERVER hello'))).toBe(all.get('CLIENT call hello')?.spanContext().spanId)
  expect(all.get('SERVER GET')?.attributes['http.response.status_code']).toBe(404)
})
