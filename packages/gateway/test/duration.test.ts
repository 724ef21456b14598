import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from '../src/config/duration.ts'

describe('durations', () => {
  it.each([
    ['10s', 10_000],
    ['1h2m3s4ms', 3_723_004],
    ['1.5s', 1_500],
    ['.5m', 30_000],
    ['+1s', 1_000],
    ['100us', 1],
    ['100µs', 1],
    ['1ns', 1],
    ['0', 0],
    ['0s', 0],
    ['0.3s', 300],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '10', 's', '-1s', '1 s', '1d', '1s ', 's1', '.s', '1e3s', '99999h'])(
    '%j is none',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  )

  it('adds up whole units exactly', () => {
    const part = fc.nat({ max: 50 })
    const parts = fc.tuple(part, part, part, part)
    fc.assert(
      fc.property(parts, ([h, m, s, ms]) => {
        const sum = h * 3_600_000 + m * 60_000 + s * 1_000 + ms
        expect(parseDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(sum)
      }),
    )
  })
})
