import { describe, expect, test, vi } from 'vitest'
import { finding, scene } from './support/callers.ts'
import { make, pattern } from './support/parties.ts'

describe('without a provider', () => {
  test('a call fails at once', () => {
    const s = scene(0)
    const made = s.call({ services: ['a', 'b'] })
    expect(made.errors[0]).toMatchObject({ kind: 'no-provider', nothingRan: true })
    expect(made.errors[0]?.message).toBe('no node offers a, b')
    expect(made.handle.write(Uint8Array.of(1))).toBe(false)
    made.handle.end()
    made.handle.cancel()
    expect([made.errors.length, s.caller.stats.noProvider]).toEqual([1, 1])
  })

  test('one that is found later gets it, with all that was written meanwhile', async () => {
    const { clock, caller, listener, meet } = finding()
    const made = make(caller)
    expect(made.handle.write(pattern(100_000))).toBe(false)
    made.handle.write(pattern(5))
    clock.advance(1_000)
    await meet()
    expect(made.drains).toBe(1)
    made.handle.end(Uint8Array.of(3))
    clock.advance(5)
    expect([listener.last.length, listener.last.ended]).toEqual([100_006, 1])
    // What was waited is not given again.
    expect(listener.last.call.timeoutMs).toBeLessThan(29_000)
    listener.last.call.end()
    clock.advance(5)
    expect([made.ended, made.errors]).toEqual([1, []])
  })

  test('none that is found, or a search that fails, fails it', async () => {
    const one = finding()
    const made = make(one.caller)
    await one.done()
    expect(made.kind).toBe('no-provider')
    const other = finding()
    const failed = make(other.caller)
    other.settle.reject()
    await other.found.catch(() => undefined)
    await Promise.resolve()
    expect(failed.kind).toBe('no-provider')
  })

  test('a search that takes too long ends with the call’s deadline', async () => {
    const { clock, caller, listener, meet } = finding()
    const made = make(caller, { timeoutMs: 100 })
    clock.advance(100)
    expect([made.kind, clock.pending]).toEqual(['deadline', 0])
    await meet()
    expect([made.errors.length, listener.received.length]).toEqual([1, 0])
  })

  test.each([0xffff_ffff, Number.POSITIVE_INFINITY])(
    'a search of a call that may take %s ms goes on for longer than any timer',
    async (timeoutMs) => {
      const { clock, caller, listener, meet } = finding()
      const schedule = vi.spyOn(clock, 'schedule')
      const made = make(caller, { timeoutMs })
      clock.advance(2 ** 31 - 1)
      // The longest that setTimeout takes: it makes 1 ms of what is longer.
      expect(schedule.mock.calls.map(([delay]) => delay)).toEqual([2 ** 31 - 1, 2 ** 31 - 1])
      expect([made.kind, clock.pending]).toEqual([undefined, 1])
      await meet()
      clock.advance(5)
      expect([made.kind, listener.received.length]).toEqual([undefined, 1])
    },
  )

  test('a call cancelled meanwhile is sent to nobody', async () => {
    const { clock, caller, listener, meet } = finding()
    const made = make(caller)
    made.handle.cancel()
    await meet()
    clock.advance(60_000)
    expect([listener.received.length, made.errors, made.drains]).toEqual([0, [], 0])
  })

  test('a request that cannot be said to who is found fails, and nothing is thrown', async () => {
    for (const headers of [
      ['a', 'v'.repeat(9_000)],
      [':status', '200'],
    ]) {
      const { caller, meet } = finding()
      const made = make(caller, { headers })
      await meet()
      expect(made.errors[0]).toMatchObject({ nothingRan: true, expose: true })
    }
  })
})
