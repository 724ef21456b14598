import { describe, expect, test } from 'vitest'
import { RetryBudget } from '../src/edge/retry-budget.ts'
import { createRequestMetrics } from '../src/metrics/request-metrics.ts'
import { start } from './support/harness.ts'

const ROUTE = '[[http.routes]]\npath = "GET /a"\nservice = "a"\n'

describe('retries', () => {
  test('are a fifth of the traffic', () => {
    const budget = new RetryBudget()
    let taken = 0
    while (budget.take()) taken++
    expect(taken).toBe(100)
    let more = 0
    for (let i = 0; i < 1_000; i++) {
      budget.request(true)
      if (budget.take()) more++
    }
    expect(more).toBeGreaterThanOrEqual(199)
    expect(more).toBeLessThanOrEqual(200)
  })

  test('are off where the route says so', async () => {
    const { send, caller } = await start(`${ROUTE}retry = false\n${ROUTE.replace('/a', '/b')}`)
    send({ path: '/a' })
    expect(caller.last.request.retry?.()).toBe(false)
    send({ path: '/b' })
    expect(caller.last.request.retry?.()).toBe(true)
  })

  test('are counted by route', async () => {
    const metrics = createRequestMetrics()
    const { send, caller } = await start(ROUTE, { metrics })
    send({ path: '/a' })
    caller.last.request.onRetry?.()
    caller.last.request.onRetry?.()
    expect(metrics.routes.map(({ labels, retries }) => [labels.path, retries])).toEqual([
      ['', 0],
      ['/a', 2],
    ])
  })
})
