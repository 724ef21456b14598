import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retryAfter } from '../../src/acme/acme-error.ts'
import { MAX_RETRY_MS, renewalTime, retryDelay } from '../../src/acme/renewal.ts'

const HOUR = 3_600_000

const delayAfter = (failures: number, retryAfterMs?: number): number =>
  retryDelay({ failures, baseMs: 60_000, retryAfterMs, random: 0.5 })

describe('when a certificate is replaced', () => {
  it('is at two thirds of its life and a little more', () => {
    const times = { notBefore: 1_000, notAfter: 91_000 }
    expect(renewalTime(times, 0)).toBe(61_000)
    expect(renewalTime(times, 0.5)).toBe(62_500)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999_999, noNaN: true }), (random) => {
        const at = renewalTime(times, random)
        expect(at).toBeGreaterThanOrEqual(61_000)
        expect(at).toBeLessThanOrEqual(64_000)
      }),
    )
  })
})

describe('when a CA is asked again', () => {
  it('is later each time, never over nine hours, and never before it says', () => {
    expect([1, 2, 3, 4].map((failures) => delayAfter(failures))).toEqual([
      60_000, 120_000, 240_000, 480_000,
    ])
    expect(delayAfter(1_000)).toBe(MAX_RETRY_MS)
    expect(delayAfter(1, 2 * HOUR)).toBe(2 * HOUR)
    expect(delayAfter(1, 1_000 * HOUR)).toBe(24 * HOUR)
    const most = retryDelay({
      failures: 99,
      baseMs: 60_000,
      retryAfterMs: undefined,
      random: 0.999,
    })
    expect(most).toBeLessThanOrEqual(9 * HOUR)
  })

  it('is what Retry-After says: seconds or a date', () => {
    expect(retryAfter('120', 0)).toBe(120_000)
    expect(retryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000)
    expect(retryAfter('Thu, 01 Jan 1970 00:00:01 GMT', 4_000)).toBe(0)
    expect(retryAfter('soon', 0)).toBeUndefined()
    expect(retryAfter(undefined, 0)).toBeUndefined()
  })
})
