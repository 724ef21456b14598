import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PrometheusText } from '../src/metrics/prometheus.ts'
import { createRequestMetrics } from '../src/metrics/request-metrics.ts'
import { writeRefusals } from '../src/metrics/write-requests.ts'
import { excerpt, type Refusal, RefusalLog } from '../src/refusal.ts'
import { start } from './support/harness.ts'

const REFUSAL: Refusal = { reason: 'malformed', peer: '192.0.2.1', status: 400, sent: 'X' }
const nothing = (): void => {}

describe('what a peer sent, in a log', () => {
  test.each([
    ['GET /a HTTP/1.1', 'GET /a HTTP/1.1'],
    ['GET /a?token=1 HTTP/1.1', 'GET /a'],
    ['one\r\ntwo', 'one'],
    ['a\nlevel=error', 'a'],
    ['\x1b]0;x\x07', String.raw`\x1b]0;x\x07`],
    [String.raw`"quoted\"`, String.raw`\x22quoted\x5c\x22`],
    ['\u2028é', String.raw`\u2028\xe9`],
    ['x'.repeat(1_000), 'x'.repeat(80)],
  ])('%j is %j', (sent, shown) => {
    expect(excerpt(sent)).toBe(shown)
  })

  test('is one line of printable ASCII, whatever came', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(excerpt(text)).toMatch(/^[ !#-~]{0,480}$/)
      }),
    )
  })
})

test('a flood is ten lines a second, and counted whole', () => {
  const lines: { fields: Record<string, unknown>; message: string }[] = []
  const metrics = createRequestMetrics()
  let now = 0
  const info = (fields: object, message: string): void => {
    lines.push({ fields: { ...fields }, message })
  }
  const log = new RefusalLog({
    log: { debug: nothing, info, warn: nothing, error: nothing },
    metrics,
    clock: { now: () => now },
  })
  for (let i = 0; i < 1_000; i++) log.add(REFUSAL, ':80')
  expect(lines).toHaveLength(10)
  expect(lines[0]).toEqual({
    fields: { address: ':80', peer: '192.0.2.1', reason: 'malformed', answered: 400, sent: 'X' },
    message: 'a client was turned away',
  })
  now = 999
  log.add(REFUSAL, ':80')
  expect(lines).toHaveLength(10)
  now = 1_000
  log.add({ reason: 'tls', peer: '', status: undefined, code: 'ERR' }, ':80')
  expect(lines[10]?.fields).toEqual({
    address: ':80',
    peer: '',
    reason: 'tls',
    answered: 'closed',
    code: 'ERR',
    unsaid: 991,
  })
  const text = new PrometheusText()
  writeRefusals(text, metrics.refusals)
  expect(text.toString().split('\n').slice(2)).toEqual([
    'flatend_http_refused_total{reason="malformed"} 1001',
    'flatend_http_refused_total{reason="tls"} 1',
    '',
  ])
})

test('a gateway hears of them from its drivers', async () => {
  const { drivers, infos } = await start('')
  drivers[0]?.options.onRefused?.(REFUSAL)
  expect(infos).toContain('a client was turned away')
})
