import { describe, expect, test } from 'vitest'
import { begun, type Pair, pair } from './support/parties.ts'

const idle = ({ dialer, listener }: Pair): boolean =>
  dialer.connection.idle && listener.connection.idle

describe('a deadline', () => {
  test('ends the call at both ends, 30 s after its begin', () => {
    const scene = begun()
    scene.clock.advance(30_000 - 6)
    expect([scene.made.over, scene.received.cancels.length]).toEqual([false, 0])
    scene.clock.advance(10)
    expect([scene.made.kind, scene.received.cancels[0]?.kind]).toEqual(['deadline', 'deadline'])
    expect([idle(scene), scene.clock.pending]).toEqual([true, 0])
    expect(scene.dialer.stats.deadlinesExpired).toBe(1)
  })

  test('is passed on to the handler, and holds there when the caller says nothing more', () => {
    const scene = begun({ latencyMs: 2 }, { timeoutMs: 100 })
    expect(scene.received.call.timeoutMs).toBe(97)
    scene.dialer.channel.cut()
    scene.clock.advance(96)
    expect(scene.received.cancels).toEqual([])
    scene.clock.advance(1)
    expect(scene.received.cancels[0]?.kind).toBe('deadline')
    expect([scene.received.call.timeoutMs, scene.listener.stats.deadlinesExpired]).toEqual([0, 1])
  })

  test('holds at the caller when the provider says nothing more', () => {
    const { clock, made, listener } = begun({}, { timeoutMs: 100 })
    listener.channel.cut()
    clock.advance(100)
    expect(made.kind).toBe('deadline')
  })

  test('breaks off an answer half way, which is then not whole', () => {
    const { clock, made, received } = begun({}, { timeoutMs: 50 })
    received.call.write(Uint8Array.of(1))
    clock.advance(60)
    expect([made.bytes, made.ended, made.kind]).toEqual([[1], 0, 'deadline'])
  })

  test.each([0, -5])('of %i ms is over at once, without running for ever', (timeoutMs) => {
    const { clock, dialer } = pair()
    const made = dialer.call({ timeoutMs })
    clock.advance(5)
    expect([made.kind, clock.pending]).toEqual(['deadline', 0])
  })

  test.each([Number.POSITIVE_INFINITY, 2 ** 33, 0xffff_ffff])(
    'of %d ms never asks for more than a timer takes',
    (timeoutMs) => {
      const scene = begun({}, { timeoutMs })
      expect(scene.received.call.timeoutMs).toBe(0xffff_ffff - 4)
      scene.clock.advance(2 ** 32 + 10)
      expect([scene.made.kind, Math.max(...scene.clock.delays)]).toEqual(['deadline', 2 ** 31 - 1])
    },
  )

  test('of a call that ended leaves no timer that does anything', () => {
    const scene = begun()
    scene.made.handle.end()
    scene.received.call.end()
    scene.clock.advance(100_000)
    expect([scene.clock.pending, scene.made.late, scene.received.cancels]).toEqual([0, [], []])
  })

  test('many at once close no connection', () => {
    const { clock, dialer, listener } = pair()
    const calls = Array.from({ length: 256 }, () => dialer.call({ timeoutMs: 1_000 }))
    clock.advance(1_100)
    expect(new Set(calls.map(({ kind }) => kind))).toEqual(new Set(['deadline']))
    expect([dialer.violation, listener.violation]).toEqual([undefined, undefined])
    expect(dialer.connection.accepting).toBe(true)
  })
})
