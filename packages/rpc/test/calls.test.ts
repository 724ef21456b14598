import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { begun, type Pair, pair } from './support/parties.ts'

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
