import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { begun, type Pair, pair, pattern } from './support/parties.ts'

const idle = ({ dialer, listener }: Pair): boolean =>
  dialer.connection.idle && listener.connection.idle
const thrown = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('a call', () => {
  test('brings request and answer whole, with headers, status and services', () => {
    const scene = begun(
      {},
      { services: ['unknown', 'other'], headers: ['a', '1', 'a', 'ä'], idempotent: true },
    )
    const { clock, made, received } = scene
    expect(received.call).toMatchObject({
      service: 'other',
      headers: ['a', '1', 'a', 'ä'],
      idempotent: true,
    })
    made.handle.write(Uint8Array.of(1, 2))
    made.handle.end(Uint8Array.of(3))
    clock.advance(5)
    expect([received.bytes, received.ended]).toEqual([[1, 2, 3], 1])
    received.call.respond(404, ['b', ''])
    received.call.end(Uint8Array.of(4))
    expect(made.over).toBe(false)
    clock.advance(5)
    expect(made).toMatchObject({ status: 404, headers: ['b', ''], bytes: [4], ended: 1, late: [] })
    expect(idle(scene)).toBe(true)
    expect([scene.dialer.stats.callsMade, scene.listener.stats.callsReceived]).toEqual([1, 1])
  })

  test('may be empty both ways; the answer is 200 unless something else was said', () => {
    const { clock, made, received } = begun()
    made.handle.end()
    received.call.end()
    clock.advance(5)
    expect([made.status, made.headers, made.length, made.ended]).toEqual([200, [], 0, 1])
    expect([received.length, received.ended]).toEqual([0, 1])
  })

  test('carries data both ways at once', () => {
    const { clock, made, received } = begun()
    for (let i = 0; i < 5; i++) {
      made.handle.write(Uint8Array.of(i))
      received.call.write(Uint8Array.of(10 + i))
      clock.advance(5)
      expect([received.length, made.length]).toEqual([i + 1, i + 1])
    }
    expect([made.ended, received.ended]).toEqual([0, 0])
  })

  test('may be answered, even wholly, before the request ends', () => {
    const scene = begun()
    const { clock, made, received } = scene
    received.call.end(Uint8Array.of(7))
    clock.advance(5)
    expect([made.bytes, made.ended, scene.dialer.connection.load]).toEqual([[7], 1, 1])
    made.handle.write(Uint8Array.of(1))
    made.handle.end(Uint8Array.of(2))
    clock.advance(5)
    expect([received.bytes, received.ended, idle(scene)]).toEqual([[1, 2], 1, true])
  })

  test.each(['cancel', 'deadline', 'reset'])(
    'that was answered wholly and is never ended leaves by %s, and its caller hears no failure',
    (how) => {
      const scene = begun()
      const { clock, made, received } = scene
      received.call.end()
      clock.advance(5)
      if (how === 'cancel') made.handle.cancel()
      else if (how === 'reset') received.call.fail(RESET.cancelled)
      clock.advance(how === 'deadline' ? 30_000 : 5)
      expect([idle(scene), made.ended, made.errors, made.late]).toEqual([true, 1, [], []])
    },
  )

  test('goes either way on the same connection, with ids of its own', () => {
    const { clock, dialer, listener } = pair()
    const calls = [dialer.call(), listener.call(), dialer.call(), listener.call()]
    clock.advance(5)
    const ids = ({ channel }: typeof dialer) => channel.sent.map(({ body }) => body[3])
    expect([ids(dialer), ids(listener)]).toEqual([
      [1, 3],
      [2, 4],
    ])
    for (const party of [dialer, listener]) {
      for (const { call } of party.received) call.end(Uint8Array.of(party === dialer ? 1 : 2))
    }
    clock.advance(5)
    expect(calls.map(({ bytes }) => bytes)).toEqual([[2], [1], [2], [1]])
  })

  test('has no more after its end: what is said then goes nowhere and throws nothing', () => {
    const scene = begun()
    const { clock, made, received } = scene
    made.handle.end()
    received.call.end()
    clock.advance(5)
    const sent = scene.dialer.channel.sent.length + scene.listener.channel.sent.length
    expect(made.handle.write(Uint8Array.of(1))).toBe(false)
    expect(received.call.write(Uint8Array.of(1))).toBe(false)
    made.handle.end()
    made.handle.cancel()
    made.handle.consumed(10)
    received.call.respond(500, [])
    received.call.end()
    received.call.fail(RESET.handler)
    received.call.consumed(10)
    clock.advance(60_000)
    expect(scene.dialer.channel.sent.length + scene.listener.channel.sent.length).toBe(sent)
    expect([made.ended, made.late, received.cancels]).toEqual([1, [], []])
  })

  test('that nobody accepts is read and dropped', () => {
    const { clock, dialer, listener } = pair({
      listener: { dispatch: (call) => call.respond(204, []) },
    })
    const made = dialer.call()
    made.handle.end(new Uint8Array(200_000))
    clock.advance(5)
    expect(made.status).toBe(204)
    expect(listener.channel.sent.filter(({ opcode }) => opcode === 6).length).toBeGreaterThan(0)
  })

  test.each([99, 600, 200.5, Number.NaN])(
    'answers no status %s, and may answer another',
    (status) => {
      const { clock, made, received } = begun()
      expect(thrown(() => received.call.respond(status, []))).toMatchObject({
        code: 'FLATEND_RPC_STATUS',
      })
      received.call.respond(500, [])
      received.call.end()
      clock.advance(5)
      expect([made.status, made.ended]).toEqual([500, 1])
    },
  )
})

describe('what cannot be said', () => {
  test.each([
    ['too-large', 'FLATEND_RPC_TOO_LARGE', { headers: ['a', 'v'.repeat(8_193)] }],
    ['too-large', 'FLATEND_RPC_TOO_LARGE', { headers: Array.from({ length: 256 }, () => 'x') }],
    ['too-large', 'FLATEND_RPC_TOO_LARGE', { services: ['s'.repeat(256)] }],
    [undefined, 'FLATEND_RPC_HEADER_RESERVED', { headers: [':timeout-ms', '1'] }],
    [undefined, 'FLATEND_RPC_HEADERS', { headers: ['a'] }],
    [undefined, 'FLATEND_RPC_SERVICES', { services: [] }],
    [undefined, 'FLATEND_RPC_TIMEOUT', { timeoutMs: Number.NaN }],
  ])('is thrown (%s, %s), uses no id and leaves no trace', (kind, code, request) => {
    const { clock, dialer, listener } = pair()
    const error = thrown(() => dialer.call(request)) as { kind?: string; code: string }
    expect([error.kind, error.code]).toEqual([kind, code])
    expect([dialer.connection.idle, dialer.channel.sent.length]).toEqual([true, 0])
    dialer.call()
    clock.advance(5)
    expect([listener.received.length, dialer.channel.sent[0]?.body[3]]).toEqual([1, 1])
  })

  test('too large an answer is thrown at the handler, which may answer otherwise', () => {
    const { clock, made, received } = begun()
    const error = thrown(() => received.call.respond(200, ['a', 'v'.repeat(9_000)]))
    expect(error).toMatchObject({ kind: 'too-large' })
    received.call.respond(500, [])
    received.call.end()
    clock.advance(5)
    expect(made.status).toBe(500)
  })
})

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
