import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, median, medians, quantile, ratio, spread } from '../lib/stats.mjs'
import { parseWrk } from '../lib/wrk-output.mjs'

const row = (system: string, metrics: Record<string, number>) => ({
  system,
  samples: [metrics],
  medians: metrics,
  skipped: undefined,
  note: undefined,
})

describe('median and quantile', () => {
  it('takes the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
    expect(median([])).toBeNaN()
  })

  it('interpolates between neighbours', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5)
    expect(quantile([3, 1, 2], 0)).toBe(1)
    expect(quantile([3, 1, 2], 1)).toBe(3)
    expect(quantile([3, 1, 2], 7)).toBe(3)
  })

  it('leaves its argument as it was, stays within it and rises with q', () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 })
    const share = fc.double({ noNaN: true, min: 0, max: 1 })
    fc.assert(
      fc.property(numbers, share, share, (values, a, b) => {
        const before = [...values]
        const low = quantile(values, Math.min(a, b))
        const high = quantile(values, Math.max(a, b))
        expect(values).toEqual(before)
        // Interpolating rounds in the last digit.
        const slack = 1e-6
        expect(low).toBeLessThanOrEqual(high + slack)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values) - slack)
        expect(high).toBeLessThanOrEqual(Math.max(...values) + slack)
      }),
    )
  })
})

describe('rounds', () => {
  it('gives the median of each metric, also of one that some rounds lack', () => {
    expect(medians([{ a: 1, b: 10 }, { a: 3 }, { a: 2, b: 20 }])).toEqual({ a: 2, b: 15 })
    expect(medians([])).toEqual({})
  })

  it('gives their spread as a share of the median', () => {
    expect(spread([90, 100, 110])).toBeCloseTo(0.2)
    expect(spread([5, 5, 5])).toBe(0)
    expect(spread([])).toBe(0)
  })
})

describe('ratios and goals', () => {
  const rows = [row('flatend', { cpuUs: 10, perSecond: 100 }), row('peer', { cpuUs: 40 })]

  it('compares with the reference where both have a figure', () => {
    expect(ratio({ cpuUs: 40 }, { cpuUs: 10 }, 'cpuUs')).toBe(4)
    expect(ratio({ cpuUs: 40 }, undefined, 'cpuUs')).toBeUndefined()
    expect(ratio({}, { cpuUs: 10 }, 'cpuUs')).toBeUndefined()
    expect(ratio({ cpuUs: 40 }, { cpuUs: 0 }, 'cpuUs')).toBeUndefined()
  })

  it('judges plain numbers, both ways', () => {
    expect(judge({ key: 'cpuUs', atMost: 10 }, rows)).toEqual({ met: true, limit: 10, value: 10 })
    expect(judge({ key: 'cpuUs', atMost: 9 }, rows).met).toBe(false)
    expect(judge({ key: 'perSecond', atLeast: 100 }, rows).met).toBe(true)
    expect(judge({ key: 'perSecond', atLeast: 101 }, rows).met).toBe(false)
  })

  it('judges against another system', () => {
    const goal = { key: 'cpuUs', atMost: 0.5, times: 'peer' }
    expect(judge(goal, rows)).toEqual({ met: true, limit: 20, value: 10 })
    expect(judge({ key: 'cpuUs', atLeast: 4, system: 'peer', times: 'flatend' }, rows).met).toBe(
      true,
    )
  })

  it('judges nothing that was not measured', () => {
    expect(judge({ key: 'p99', atMost: 1 }, rows).met).toBeUndefined()
    expect(judge({ key: 'cpuUs', atMost: 1, times: 'absent' }, rows).met).toBeUndefined()
    expect(judge({ key: 'cpuUs', atMost: 1 }, []).met).toBeUndefined()
  })
})

describe('what wrk prints', () => {
  const text = `Running 3s test @ http://127.0.0.1:3000/hello
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   606.15us  341.23us   9.11ms   93.54%
    Req/Sec   106.81k     8.96k  118.94k    83.87%
  Latency Distribution
     50%  528.00us
     99%    2.05ms
  329211 requests in 3.10s, 45.21MB read
Requests/sec: 106196.45
`

  it('is read', () => {
    expect(parseWrk(text)).toEqual({
      requests: 329_211,
      ms: 3_100,
      p50Ms: 0.528,
      p99Ms: 2.05,
      failed: 0,
    })
  })

  it('counts what failed', () => {
    const bad = `${text}  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 10\n`
    expect(parseWrk(bad).failed).toBe(16)
  })

  it('is an error without requests', () => {
    expect(() => parseWrk('unable to connect')).toThrow('no requests')
  })
})
