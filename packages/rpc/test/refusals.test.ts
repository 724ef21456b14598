import { describe, expect, test } from 'vitest'
import { begun, pair } from './support/parties.ts'

const thrown = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('refused', () => {
  test('services that are not offered, nothing ran', () => {
    const { clock, dialer, listener } = pair()
    const made = dialer.call({ services: ['nobody', 'knows'] })
    clock.advance(5)
    expect(made.errors[0]).toMatchObject({ kind: 'not-found', nothingRan: true })
    expect([listener.received.length, listener.stats.notFound]).toEqual([0, 1])
  })

  test('calls beyond 256 at a time; there is room again when one ended', () => {
    const { clock, dialer, listener } = pair()
    const calls = Array.from({ length: 300 }, () => dialer.call())
    clock.advance(5)
    expect(listener.received.length).toBe(256)
    expect(calls.filter(({ kind }) => kind === 'refused').length).toBe(44)
    expect(calls.at(-1)?.errors[0]?.nothingRan).toBe(true)
    expect(listener.stats).toMatchObject({ refused: 44, callsReceived: 256 })
    calls[0]?.handle.end()
    listener.received[0]?.call.end()
    clock.advance(5)
    dialer.call()
    clock.advance(5)
    expect(listener.received.length).toBe(257)
  })

  test('answers to our own calls are no flood of RESETs, however many', () => {
    const { clock, dialer } = pair({ both: { limits: { maxStreams: 0 } } })
    const calls = Array.from({ length: 2_000 }, () => dialer.call())
    clock.advance(5)
    expect(calls.every(({ kind }) => kind === 'refused')).toBe(true)
    expect([dialer.violation, dialer.stats.resetsReceived]).toEqual([undefined, 2_000])
  })

  test.each([
    [false, 'the call is not allowed', false],
    [{ allowed: false }, 'the call is not allowed', false],
    [{ allowed: false, reason: 'not you' }, 'not you', true],
  ] as const)('what is not allowed: %o', (verdict, message, expose) => {
    const asked: unknown[] = []
    const { clock, dialer, listener } = pair({
      listener: {
        peer: 'mallory',
        authorize: (call) => {
          asked.push(call)
          return call.service === 'other' || verdict
        },
      },
    })
    const [denied, allowed] = [dialer.call(), dialer.call({ services: ['other'] })]
    clock.advance(5)
    expect(denied.errors[0]).toMatchObject({ kind: 'denied', message, expose, nothingRan: true })
    expect([allowed.over, listener.received.length, listener.stats.denied]).toEqual([false, 1, 1])
    expect(asked[0]).toEqual({ service: 'echo', peer: 'mallory', direction: 'incoming' })
  })

  test('nobody is asked about a service that is not offered', () => {
    const { clock, dialer, listener } = pair({ listener: { authorize: () => false } })
    const made = dialer.call({ services: ['nothing'] })
    clock.advance(5)
    expect([made.kind, listener.stats.denied]).toEqual(['not-found', 0])
  })
})

describe('going away', () => {
  test('may begin by refusing the calls of the peer alone', () => {
    const { clock, dialer, listener, made, received } = begun()
    listener.connection.refuse()
    const late = dialer.call()
    const nested = listener.call()
    clock.advance(5)
    expect(late.errors[0]).toMatchObject({ kind: 'shutting-down', nothingRan: true })
    expect([listener.received.length, dialer.received.length]).toEqual([1, 1])
    dialer.last.call.end(Uint8Array.of(2))
    nested.handle.end()
    received.call.end(Uint8Array.of(1))
    made.handle.end()
    clock.advance(5)
    expect([nested.bytes, made.bytes]).toEqual([[2], [1]])
    expect([dialer.connection.idle, listener.connection.idle]).toEqual([true, true])
  })

  test('lets what runs finish, and fails what was under way without running it', () => {
    const scene = begun()
    const { clock, dialer, listener, made, received } = scene
    let retired = 0
    dialer.connection.onRetire = () => retired++
    listener.connection.goAway('upgrade')
    const late = dialer.call()
    clock.advance(5)
    expect(late.errors[0]).toMatchObject({ kind: 'shutting-down', nothingRan: true })
    expect([listener.received.length, made.over, retired]).toEqual([1, false, 1])
    expect(thrown(() => dialer.call())).toMatchObject({ kind: 'shutting-down', nothingRan: true })
    expect([dialer.connection.accepting, listener.connection.accepting]).toEqual([false, false])
    let idled = 0
    listener.connection.onIdle = () => idled++
    received.call.end(Uint8Array.of(1))
    made.handle.end()
    clock.advance(5)
    expect([made.bytes, made.ended, idled]).toEqual([[1], 1, 1])
  })

  test('names the last id it took: what crossed it fails at once, what came before does not', () => {
    const { clock, dialer, listener } = pair()
    const calls = [dialer.call(), dialer.call()]
    clock.advance(5)
    calls.push(dialer.call(), dialer.call())
    listener.connection.goAway()
    clock.advance(1)
    expect(calls.map(({ kind }) => kind)).toEqual([
      undefined,
      undefined,
      'shutting-down',
      'shutting-down',
    ])
    const [goAway] = listener.channel.sent
    expect([goAway?.opcode, ...(goAway?.body ?? [])]).toEqual([8, 0, 9, 0, 0, 0, 3, 0, 0])
  })

  test('twice says it once', () => {
    const { listener } = pair()
    listener.connection.goAway()
    listener.connection.goAway()
    expect(listener.channel.sent.length).toBe(1)
  })
})

describe('the end of the connection', () => {
  test('fails every call at once, both ways; no body is taken for whole', () => {
    const { clock, dialer, listener } = pair()
    const out = dialer.call()
    const back = listener.call()
    clock.advance(5)
    const [incoming] = dialer.received
    listener.last.call.write(Uint8Array.of(1))
    out.handle.end(Uint8Array.of(2))
    clock.advance(5)
    const cause = new Error('cut')
    for (const party of [dialer, listener]) party.connection.closed(cause)
    expect([out.kind, back.kind]).toEqual(['disconnected', 'disconnected'])
    expect(out.errors[0]).toMatchObject({ cause, nothingRan: false })
    expect([out.bytes, out.ended, incoming?.ended]).toEqual([[1], 0, 0])
    expect(incoming?.cancels[0]?.kind).toBe('disconnected')
    // The request was whole, its handler is told that nobody waits.
    expect([listener.last.ended, listener.last.cancels.length]).toEqual([1, 1])
    expect([dialer.connection.idle, clock.pending]).toEqual([true, 0])
  })

  test('leaves nothing that can be called, opened or heard', () => {
    const { clock, dialer, made } = begun()
    dialer.connection.closed()
    dialer.connection.closed()
    expect(made.errors.length).toBe(1)
    expect(thrown(() => dialer.call())).toMatchObject({ kind: 'disconnected', nothingRan: true })
    const sent = dialer.channel.sent.length
    made.handle.write(Uint8Array.of(1))
    made.handle.end()
    made.handle.cancel()
    made.handle.consumed(1)
    dialer.connection.goAway()
    dialer.connection.onDrain()
    clock.advance(60_000)
    expect([dialer.channel.sent.length, made.errors.length, made.late]).toEqual([sent, 1, []])
  })
})

describe('ids', () => {
  test('rise to the last one, then the connection says that it is time for another', () => {
    const left = 3
    const skippedStreams = (0xffff_fff0 - 2 * left) / 2
    const { clock, dialer, listener } = pair({ dialer: { skippedStreams } })
    let retired = 0
    dialer.connection.onRetire = () => retired++
    for (let i = 0; i < left; i++) {
      expect([dialer.connection.accepting, retired]).toEqual([true, 0])
      dialer.call().handle.end()
    }
    expect([dialer.connection.accepting, retired]).toEqual([false, 1])
    expect(thrown(() => dialer.call())).toMatchObject({ kind: 'shutting-down', nothingRan: true })
    clock.advance(5)
    for (const { call } of listener.received) call.end(Uint8Array.of(1))
    clock.advance(5)
    expect([listener.received.length, dialer.connection.idle, listener.violation]).toEqual([
      left,
      true,
      undefined,
    ])
  })
})

test('one object may count for many connections', () => {
  const scene = begun()
  const shared = { ...scene.dialer.stats }
  for (let i = 0; i < 2; i++) {
    const { clock, dialer } = pair({ dialer: { stats: shared } })
    dialer.call()
    clock.advance(5)
    expect(dialer.stats).toBe(shared)
  }
  expect(shared.callsMade).toBe(3)
})
