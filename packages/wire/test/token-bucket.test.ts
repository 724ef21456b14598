import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenBucket } from '../src/token-bucket.ts'

/** How many of `count` are taken at a time. */
function taken(bucket: TokenBucket, count: number, now: number): number {
  return Array.from({ length: count }, () => bucket.take(now)).filter(Boolean).length
}

test('gives its burst at once, its rate for ever, and never more than its burst', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 10 }, 1_000)
  expect(taken(bucket, 20, 1_000)).toBe(10)
  expect(taken(bucket, 5, 1_499)).toBe(0)
  expect(taken(bucket, 5, 1_500)).toBe(1)
  expect(taken(bucket, 50, 61_500)).toBe(10)
})

test('one of less than a token gives nothing', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 0.5 }, 0)
  expect(bucket.take(1e9)).toBe(false)
})

test('whenever it is asked, no more than burst and rate allow is taken, and no less than the burst', () => {
  const rate = { perSecond: 3, burst: 7 }
  const pauses = fc.array(fc.nat({ max: 2_000 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(pauses, (list) => {
      const bucket = new TokenBucket(rate, 0)
      let now = 0
      let passed = 0
      for (const pause of list) {
        now += pause
        if (bucket.take(now)) passed++
        expect(passed).toBeLessThanOrEqual(rate.burst + (now * rate.perSecond) / 1_000)
      }
      expect(passed).toBeGreaterThanOrEqual(Math.min(list.length, rate.burst))
    }),
    { numRuns: 200 },
  )
})
