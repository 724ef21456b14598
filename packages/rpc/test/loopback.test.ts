import { describe, expect, test } from 'vitest'
import {
  type Connection,
  callUnary,
  type Dispatch,
  type LoopbackOptions,
  loopback,
  serveUnary,
} from '../src/index.ts'
import { make, pattern, Received } from './support/parties.ts'
import { VirtualClock } from './support/virtual-clock.ts'

/** A loopback whose ticks pass when the test says so. */
function local(dispatch: Dispatch, options: Partial<LoopbackOptions> = {}) {
  const clock = new VirtualClock()
  const tasks: (() => void)[] = []
  const connection: Connection = loopback({
    dispatch,
    offers: (service) => service === 'echo',
    clock,
    defer: (task) => void tasks.push(task),
    ...options,
  })
  const tick = (): void => {
    for (let task = tasks.shift(); task; task = tasks.shift()) task()
  }
  return { clock, connection, tick }
}

const double = serveUnary(({ body, headers }) => ({
  status: 201,
  headers,
  body: body.map((byte) => byte * 2),
}))
const turns = async (tick: () => void): Promise<void> => {
  for (let i = 0; i < 10; i++) {
    tick()
    await Promise.resolve()
  }
}

/** Why a call failed. */
const failure = (connection: Connection, headers: readonly string[]): Promise<unknown> =>
  callUnary(connection, { services: ['echo'], headers }).catch((error: unknown) => error)

describe('loopback', () => {
  test('calls own handlers, never within the call', () => {
    const received: Received[] = []
    const { connection, tick } = local((call) => void received.push(new Received(call, true)))
    const made = make(connection, { headers: ['a', 'b'] })
    made.handle.end(pattern(300_000))
    expect(received.length).toBe(0)
    tick()
    expect([received[0]?.length, received[0]?.ended]).toEqual([300_000, 1])
    received[0]?.call.end(Uint8Array.of(1))
    expect(made.over).toBe(false)
    tick()
    expect([made.bytes, made.ended, connection.idle]).toEqual([[1], 1, true])
  })

  test('knows the services it offers, deadlines, cancelling and going away', () => {
    const received: Received[] = []
    const { clock, connection, tick } = local(
      (call) => void received.push(new Received(call, true)),
    )
    const [unknown, late, cancelled] = [
      make(connection, { services: ['x'] }),
      make(connection, { timeoutMs: 10 }),
      make(connection),
    ]
    cancelled.handle.cancel()
    tick()
    clock.advance(10)
    tick()
    expect([unknown.kind, late.kind, cancelled.kind]).toEqual(['not-found', 'deadline', undefined])
    expect(received.map(({ cancels }) => cancels[0]?.kind)).toEqual(['deadline', 'cancelled'])
    connection.goAway()
    expect(connection.accepting).toBe(false)
  })

  test('runs as many calls at a time as we like', () => {
    const received: Received[] = []
    const { connection, tick } = local((call) => void received.push(new Received(call, true)))
    const calls = Array.from({ length: 5_000 }, () => make(connection))
    tick()
    for (const { call } of received) call.end()
    tick()
    expect(calls.every(({ ended }) => ended === 1)).toBe(true)
  })

  test('a handler that throws in its dispatch takes no other call with it', () => {
    let count = 0
    const { connection, tick } = local((call) => {
      if (count++ === 0) throw new TypeError('a bug')
      call.end(Uint8Array.of(2))
    })
    const calls = [make(connection), make(connection)]
    expect(tick).toThrow('a bug')
    tick()
    expect(calls.map(({ bytes }) => bytes)).toEqual([[], [2]])
    expect(connection.accepting).toBe(true)
  })
})

test('a loopback over which the rules are broken is closed, and its calls fail', () => {
  // So small a limit that the last piece, which must go, is a flood.
  const { connection, tick } = local((call) => void new Received(call, true), {
    limits: { maxTinyData: 1 },
  })
  const made = make(connection)
  made.handle.write(Uint8Array.of(1))
  made.handle.end(Uint8Array.of(2))
  tick()
  expect([made.kind, connection.accepting, connection.idle]).toEqual(['disconnected', false, true])
})

test('a loopback that is closed ends its handlers, and keeps no timer', () => {
  const received: Received[] = []
  const { clock, connection, tick } = local((call) => void received.push(new Received(call, true)))
  const made = make(connection)
  tick()
  expect(clock.pending).toBeGreaterThan(0)
  connection.closed()
  tick()
  expect([made.kind, received[0]?.cancels[0]?.kind, clock.pending]).toEqual([
    'disconnected',
    'disconnected',
    0,
  ])
})

describe('whole messages', () => {
  test('are answered whole', async () => {
    const { connection, tick } = local(double)
    const reply = callUnary(connection, {
      services: ['echo'],
      headers: ['a', 'b'],
      body: Uint8Array.of(1, 2),
    })
    await turns(tick)
    expect(await reply).toEqual({ status: 201, headers: ['a', 'b'], body: Uint8Array.of(2, 4) })
  })

  test('longer than the limit fail, at either side', async () => {
    const small = local(serveUnary(() => ({ status: 200, headers: [], body: pattern(101) }), 100))
    const call = (body: Uint8Array, limit: number) =>
      callUnary(small.connection, { services: ['echo'], headers: [], body }, limit)
    const results = Promise.allSettled([
      call(pattern(101), 200),
      call(pattern(100), 100),
      call(pattern(100), 101),
    ])
    await turns(small.tick)
    const kinds = (await results).map((result) =>
      result.status === 'fulfilled'
        ? result.value.body.length
        : [result.reason.kind, result.reason.message],
    )
    expect(kinds).toEqual([
      ['too-large', 'the request is longer than 100 bytes'],
      ['too-large', 'the answer is longer than 100 bytes'],
      101,
    ])
    expect(small.connection.idle).toBe(true)
  })

  test.each([
    [new Error('the secret'), 'the handler failed'],
    [Object.assign(new Error('for you'), { expose: true }), 'for you'],
    ['no error at all', 'the handler failed'],
  ])(
    'whose handler throws fail; what it says stays here unless it is for callers',
    async (error, message) => {
      const { connection, tick } = local(
        serveUnary(() => {
          throw error
        }),
      )
      const result = failure(connection, [])
      await turns(tick)
      expect(await result).toMatchObject({ kind: 'handler', message })
    },
  )

  test('that cannot be said, on the way there or back, reject', async () => {
    const { connection, tick } = local(
      serveUnary(() => ({ status: 200, headers: [':status', '1'], body: new Uint8Array() })),
    )
    const [there, back] = [failure(connection, [':status', '1']), failure(connection, [])]
    await turns(tick)
    expect([await there, await back]).toMatchObject([
      { code: 'FLATEND_RPC_HEADER_RESERVED' },
      { kind: 'handler' },
    ])
  })
})
