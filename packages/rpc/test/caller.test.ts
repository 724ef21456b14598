import { describe, expect, test } from 'vitest'
import { type Connection, choose, createCaller, RESET } from '../src/index.ts'
import { lastReceived, scene } from './support/callers.ts'
import { make, pair, pattern } from './support/parties.ts'
import { seededRandom, VirtualClock } from './support/virtual-clock.ts'

const loads = (list: readonly number[]) => list.map((load) => ({ load }) as Connection)

describe('choice', () => {
  test('of none, of one, and of two the one with less to do', () => {
    const random = seededRandom(7)
    expect(choose([], random)).toBeUndefined()
    const [one] = loads([9])
    expect(choose([one as Connection], random)).toBe(one)
    for (let i = 0; i < 100; i++) expect(choose(loads([5, 3]), random)?.load).toBe(3)
  })

  test('takes two different ones of many, each as often: never the one with most to do', () => {
    const random = seededRandom(3)
    const providers = loads([0, 1, 2, 3, 4])
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < 10_000; i++) {
      const { load } = choose(providers, random) as Connection
      counts[load] = (counts[load] as number) + 1
    }
    // Of 10 pairs the least loaded is in 4, the next best of 3, then 2, 1 and 0.
    const shares = counts.map((n) => Math.round(n / 1_000))
    expect(shares).toEqual([4, 3, 2, 1, 0])
  })

  test('spreads calls that stay open evenly', () => {
    const s = scene(10)
    for (let i = 0; i < 1_000; i++) s.call()
    const most = Math.max(...s.known.map(({ load }) => load))
    // All at random, the fullest of ten would have about 115.
    expect(most).toBeLessThanOrEqual(104)
  })

  test('passes over connections that take no calls', () => {
    const s = scene(3)
    s.pairs[0]?.dialer.connection.goAway()
    s.pairs[1]?.dialer.connection.closed()
    for (let i = 0; i < 20; i++) s.call()
    s.advance(5)
    expect(new Set(s.ran())).toEqual(new Set([2]))
  })
})

describe('a call moves to another provider', () => {
  test.each([
    ['refused', RESET.refused],
    ['not-found', RESET.notFound],
    ['denied', RESET.denied],
    ['overloaded', RESET.overloaded],
    ['shutting-down', RESET.shuttingDown],
  ])('where nothing ran (%s), with all of its body, three times in all', (kind, code) => {
    const s = scene(5)
    let told = 0
    const made = s.call({ headers: ['a', '1'], onRetry: () => told++ })
    made.handle.write(Uint8Array.of(1))
    s.advance(5)
    lastReceived(s).call.fail(code)
    s.advance(5)
    made.handle.end(Uint8Array.of(2))
    s.advance(5)
    const second = lastReceived(s)
    expect([second.bytes, second.ended, second.call.headers]).toEqual([[1, 2], 1, ['a', '1']])
    second.call.fail(code)
    s.advance(5)
    expect([lastReceived(s).bytes, lastReceived(s).ended]).toEqual([[1, 2], 1])
    lastReceived(s).call.fail(code)
    s.advance(5)
    expect([made.kind, made.errors.length, new Set(s.ran()).size]).toEqual([kind, 1, 3])
    expect(s.caller.stats).toMatchObject({ calls: 1, retries: 2 })
    expect(told).toBe(2)
  })

  test('where the one who calls says so', () => {
    const s = scene(3)
    const answers = [true, false]
    const made = s.call({ retry: () => answers.shift() ?? true })
    s.advance(5)
    lastReceived(s).call.fail(RESET.refused)
    s.advance(5)
    lastReceived(s).call.fail(RESET.refused)
    s.advance(5)
    expect([made.kind, s.ran().length, answers.length]).toEqual(['refused', 2, 0])
  })

  test('as often as was asked for', () => {
    const s = scene(5, { maxAttempts: 1 })
    const made = s.call()
    s.advance(5)
    lastReceived(s).call.fail(RESET.refused)
    s.advance(5)
    expect([made.kind, s.ran().length]).toEqual(['refused', 1])
  })

  test('and is answered there as if nothing had been', () => {
    const s = scene(2)
    const made = s.call()
    made.handle.end(Uint8Array.of(1))
    s.advance(5)
    lastReceived(s).call.fail(RESET.overloaded)
    s.advance(5)
    lastReceived(s).call.end(Uint8Array.of(9))
    s.advance(5)
    expect(made).toMatchObject({ bytes: [9], ended: 1, errors: [], late: [] })
    expect(s.known.every(({ idle }) => idle)).toBe(true)
  })

  test('when a GOAWAY crosses it', () => {
    const s = scene(2)
    const made = s.call()
    for (const { listener, dialer } of s.pairs)
      if (dialer.connection.load > 0) listener.connection.goAway()
    s.advance(5)
    lastReceived(s).call.end()
    s.advance(5)
    expect([made.status, s.caller.stats.retries]).toEqual([200, 1])
  })

  test.each([true, false])('when its connection ended: only if idempotent (%s)', (idempotent) => {
    const s = scene(2)
    const made = s.call({ idempotent })
    made.handle.end(Uint8Array.of(5))
    s.advance(5)
    const first = s.pairs.find(({ dialer }) => dialer.connection.load > 0)
    first?.dialer.end(new Error('cut'))
    s.advance(5)
    expect(s.ran().length).toBe(idempotent ? 2 : 1)
    expect(made.kind).toBe(idempotent ? undefined : 'disconnected')
    if (!idempotent) return
    const second = s.pairs.find((one) => one !== first)?.listener.last
    expect([second?.bytes, second?.ended]).toEqual([[5], 1])
  })

  test.each([
    ['its handler failed', RESET.handler],
    ['its deadline passed', RESET.deadline],
    ['it was cancelled', RESET.cancelled],
    ['it is too large', RESET.tooLarge],
  ])('never because %s', (_, code) => {
    const s = scene(3)
    const made = s.call({ idempotent: true })
    s.advance(5)
    lastReceived(s).call.fail(code)
    s.advance(5)
    expect([made.errors.length, s.ran().length]).toEqual([1, 1])
  })

  test('never once a response was seen', () => {
    const s = scene(3)
    const made = s.call({ idempotent: true })
    s.advance(5)
    lastReceived(s).call.write(Uint8Array.of(1))
    lastReceived(s).call.fail(RESET.refused)
    s.advance(5)
    expect([made.kind, s.ran().length, made.ended]).toEqual(['refused', 1, 0])
  })

  test.each([
    [65_536, 2],
    [65_537, 1],
  ])('with %i bytes of body sent: %i providers', (length, providers) => {
    const s = scene(2)
    const made = s.call()
    made.handle.write(pattern(length - 10))
    made.handle.write(pattern(10))
    s.advance(5)
    lastReceived(s).call.fail(RESET.refused)
    s.advance(5)
    expect([s.ran().length, made.errors.length]).toEqual([providers, providers === 2 ? 0 : 1])
    expect(lastReceived(s).length).toBe(length)
  })

  test('whose writer waits is told to go on there', () => {
    const s = scene(2, { maxReplay: 1_000_000 })
    const made = s.call()
    for (const { listener } of s.pairs) listener.greedy = false
    made.handle.write(pattern(100_000))
    s.advance(5)
    expect(made.handle.write(pattern(262_144))).toBe(false)
    const first = lastReceived(s)
    const other = s.pairs.find(({ listener }) => listener.received.length === 0)
    if (other) other.listener.greedy = true
    first.call.fail(RESET.overloaded)
    s.advance(5)
    expect([made.drains > 0, lastReceived(s).length]).toEqual([true, 362_144])
  })
})

describe('a call that is answered before its request ends', () => {
  test('can still be ended or cancelled', () => {
    for (const how of ['end', 'cancel'] as const) {
      const s = scene(1)
      const made = s.call()
      s.advance(5)
      lastReceived(s).call.end(Uint8Array.of(1))
      s.advance(5)
      expect([made.ended, s.known[0]?.load]).toEqual([1, 1])
      made.handle.write(Uint8Array.of(2))
      made.handle[how]()
      s.advance(5)
      expect([s.known[0]?.idle, s.pairs[0]?.listener.connection.idle]).toEqual([true, true])
      expect([made.ended, made.late]).toEqual([1, []])
    }
  })
})

describe('what cannot be said', () => {
  test('to anybody is thrown', () => {
    const s = scene(2)
    expect(() => s.call({ headers: ['a', 'v'.repeat(9_000)] })).toThrow(
      expect.objectContaining({ kind: 'too-large' }),
    )
    expect(() => s.call({ headers: [':status', '200'] })).toThrow(
      expect.objectContaining({ code: 'FLATEND_RPC_HEADER_RESERVED' }),
    )
  })

  test('to a peer of 2020 is said to another', () => {
    const old = pair({ version: 1 })
    const now = pair()
    const known = [old.dialer.connection, now.dialer.connection]
    const caller = createCaller({ directory: { providers: () => known }, random: seededRandom(1) })
    for (let i = 0; i < 10; i++) make(caller, { headers: ['a', 'v'.repeat(5_000)] })
    now.clock.advance(5)
    expect(now.listener.received.length).toBe(10)
  })
})

describe('authorize', () => {
  test('passes over peers that may not be called, and is told whom and which', () => {
    const asked: unknown[] = []
    const s = scene(4, {
      authorize: (call) => {
        asked.push(call)
        return call.peer === 'peer 2'
      },
    })
    for (let i = 0; i < 10; i++) s.call()
    s.advance(5)
    expect(new Set(s.ran())).toEqual(new Set([2]))
    expect(asked).toContainEqual({ service: 'echo', peer: 'peer 1', direction: 'outgoing' })
  })

  test('of nobody denies the call without sending anything', () => {
    const s = scene(2, { authorize: () => ({ allowed: false, reason: 'not on Sundays' }) })
    const made = s.call()
    expect(made.errors[0]).toMatchObject({
      kind: 'denied',
      code: 'FLATEND_RPC_DENIED',
      message: 'not on Sundays',
      nothingRan: true,
    })
    expect(s.caller.stats).toEqual({ calls: 1, retries: 0, denied: 1, noProvider: 0 })
    expect(s.pairs.every(({ dialer }) => dialer.channel.sent.length === 0)).toBe(true)
  })

  test('must allow every service that the provider might choose', () => {
    const s = scene(1, { authorize: ({ service }) => service === 'echo' })
    expect(s.call({ services: ['echo', 'other'] }).kind).toBe('denied')
    expect(s.call({ services: ['echo'] }).kind).toBeUndefined()
  })
})

test('all attempts together end by the deadline', () => {
  const clock = new VirtualClock()
  const s = scene(3, { clock }, { clock })
  const made = make(s.caller, { timeoutMs: 100 })
  clock.advance(60)
  lastReceived(s).call.fail(RESET.overloaded)
  clock.advance(5)
  expect([s.ran().length, lastReceived(s).call.timeoutMs < 40]).toEqual([2, true])
  clock.advance(35)
  expect(made.kind).toBe('deadline')
})
