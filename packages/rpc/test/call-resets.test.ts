import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { begun, type Pair, pattern } from './support/parties.ts'

const idle = ({ dialer, listener }: Pair): boolean =>
  dialer.connection.idle && listener.connection.idle

describe('RESET', () => {
  const kinds = Object.entries(RESET)
  const names: Record<string, string> = {
    flowControl: 'flow-control',
    tooLarge: 'too-large',
    notFound: 'not-found',
    shuttingDown: 'shutting-down',
  }
  const ranNothing = new Set(['refused', 'notFound', 'denied', 'overloaded', 'shuttingDown'])

  test.each(kinds)('%s (%i) ends a call at its caller', (name, code) => {
    const scene = begun()
    scene.received.call.fail(code)
    scene.clock.advance(5)
    expect(scene.made.errors[0]).toMatchObject({
      kind: names[name] ?? name,
      expose: false,
      nothingRan: ranNothing.has(name),
    })
    expect(idle(scene)).toBe(true)
  })

  test('says its reason only where that was meant for callers', () => {
    for (const expose of [false, true]) {
      const { clock, made, received } = begun()
      received.call.fail(RESET.handler, 'the secret', expose)
      clock.advance(5)
      const [error] = made.errors
      expect([error?.message.includes('secret'), error?.expose]).toEqual([expose, expose])
    }
  })

  test('of an unknown code is the handler’s; of an answered call it never means that nothing ran', () => {
    const unknown = begun()
    unknown.received.call.fail(777)
    unknown.clock.advance(5)
    expect(unknown.made.kind).toBe('handler')
    const answered = begun()
    answered.received.call.write(Uint8Array.of(1))
    answered.received.call.fail(RESET.refused)
    answered.clock.advance(5)
    expect(answered.made.errors[0]).toMatchObject({ kind: 'refused', nothingRan: false })
    expect(answered.made.ended).toBe(0)
  })

  test('by the caller reaches the handler within one delay; DATA that crossed it is dropped', () => {
    const scene = begun({ latencyMs: 5 })
    const { clock, made, received } = scene
    made.handle.cancel('enough')
    received.call.write(pattern(1_000))
    clock.advance(4)
    expect(received.cancels).toEqual([])
    clock.advance(1)
    expect(received.cancels[0]).toMatchObject({ kind: 'cancelled', message: 'enough' })
    clock.advance(10)
    expect([made.length, made.errors, idle(scene), scene.dialer.violation]).toEqual([
      0,
      [],
      true,
      undefined,
    ])
  })

  test('at both ends at once is no violation', () => {
    const scene = begun()
    scene.made.handle.cancel()
    scene.received.call.fail(RESET.handler)
    scene.clock.advance(5)
    expect([scene.dialer.violation, scene.listener.violation, idle(scene)]).toEqual([
      undefined,
      undefined,
      true,
    ])
  })

  test('takes the longest reason there is', () => {
    const { clock, made, received } = begun()
    received.call.fail(RESET.handler, '😀'.repeat(100_000), true)
    clock.advance(5)
    expect(made.errors[0]?.message.length).toBe(500)
  })
})
