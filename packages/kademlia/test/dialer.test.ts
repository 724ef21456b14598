import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Backoff } from '../src/backoff.ts'
import { Dialer, type DialerOptions } from '../src/dialer.ts'
import type { DiscoveryEvent, Peer } from '../src/index.ts'
import { RoundTrips } from '../src/round-trips.ts'
import { TestClock } from './support/clock.ts'
import { seed, seededRandom } from './support/ids.ts'

/** Waits of discovery §4: from 250 ms to 30 s. */
const wait = (tries: number): number => Math.min(30_000, 250 * 2 ** tries)

describe('backoff', () => {
  test('doubles from 250 ms to 30 s, at least half of it certain, and starts again', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 40 }), (from, tries) => {
        const backoff = new Backoff(seededRandom(from))
        for (let round = 0; round < 2; round++) {
          for (let i = 0; i < tries; i++) {
            const ms = backoff.next()
            expect(ms).toBeGreaterThanOrEqual(wait(i) / 2)
            expect(ms).toBeLessThanOrEqual(wait(i))
          }
          backoff.reset()
        }
      }),
    )
  })

  test('spreads: of a hundred nodes no two try in the same millisecond for long', () => {
    const random = seededRandom(1)
    const times = Array.from({ length: 100 }, () => {
      const backoff = new Backoff(random)
      let sum = 0
      for (let i = 0; i < 8; i++) sum += backoff.next()
      return Math.round(sum)
    })
    expect(new Set(times).size).toBeGreaterThan(90)
  })
})

describe('round trips', () => {
  test('patience is four smoothed round trips, 300 ms to 3 s', () => {
    const trips = new RoundTrips()
    expect(trips.timeoutMs).toBe(3_000)
    for (let i = 0; i < 200; i++) trips.observe(150)
    expect(trips.timeoutMs).toBeCloseTo(600)
    for (let i = 0; i < 200; i++) trips.observe(1)
    expect(trips.timeoutMs).toBe(300)
    for (let i = 0; i < 200; i++) trips.observe(5_000)
    expect(trips.timeoutMs).toBe(3_000)
  })
})

const peer = { key: new Uint8Array(32).fill(1) } as unknown as Peer

interface Attempt {
  readonly at: number
  readonly signal: AbortSignal
  readonly resolve: (peer: Peer) => void
  readonly reject: (error: Error) => void
}

function dialer(options: Partial<DialerOptions> = {}): {
  readonly clock: TestClock
  readonly attempts: Attempt[]
  readonly events: DiscoveryEvent[]
  readonly dialer: Dialer
  connected: boolean
} {
  const clock = new TestClock()
  const attempts: Attempt[] = []
  const events: DiscoveryEvent[] = []
  const state = { clock, attempts, events, connected: true }
  const context = {
    clock,
    random: seededRandom(1),
    log: (event: DiscoveryEvent) => events.push(event),
    isConnected: () => state.connected,
    network: {
      connect: (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise<Peer>((resolve, reject) => {
          attempts.push({ at: clock.now(), signal, resolve, reject })
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    },
  }
  const target = { address: '10.0.0.1:9000' }
  const one = new Dialer(context, { target, timeoutMs: 1_000, ...options })
  return Object.assign(state, { dialer: one })
}

/** Fails every dial as soon as it is made, for a while. */
async function refuse({ clock, attempts }: ReturnType<typeof dialer>, ms: number): Promise<void> {
  const until = clock.now() + ms
  while (clock.now() < until) {
    attempts.at(-1)?.reject(new Error('refused'))
    await clock.advance(25)
  }
}

describe('dialer', () => {
  test('dials for ever, each wait within its bounds', async () => {
    const one = dialer()
    one.dialer.start()
    await refuse(one, 200_000)
    const gaps = one.attempts.slice(1).map(({ at }, i) => at - (one.attempts[i] as Attempt).at)
    expect(gaps.length).toBeGreaterThan(10)
    for (const [i, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(wait(i) / 2)
      expect(gap).toBeLessThanOrEqual(wait(i) + 25)
    }
    const told = one.events.map((event) => (event.type === 'dial-failed' ? event.retryMs : -1))
    for (const [i, gap] of gaps.entries()) expect(Math.abs(gap - Number(told[i]))).toBeLessThan(26)
    one.dialer.stop()
    const { length } = one.attempts
    await one.clock.advance(100_000)
    expect(one.attempts).toHaveLength(length)
  })

  test('a dial that takes too long is given up and tried again', async () => {
    const one = dialer()
    one.dialer.start()
    await one.clock.advance(999)
    expect(one.attempts[0]?.signal.aborted).toBe(false)
    await one.clock.advance(300)
    expect(one.attempts[0]?.signal.aborted).toBe(true)
    expect(one.attempts).toHaveLength(2)
    expect(one.events[0]).toMatchObject({ reason: 'no answer within 1000 ms' })
  })

  test('one that connects stays quiet until the connection is lost', async () => {
    const one = dialer()
    one.dialer.start()
    one.attempts[0]?.resolve(peer)
    await one.clock.advance(60_000)
    expect(one.attempts).toHaveLength(1)
    expect(one.dialer.failing).toBe(false)
    one.dialer.lost()
    await one.clock.advance(250)
    // The node came back by itself.
    expect(one.attempts).toHaveLength(1)
    one.connected = false
    one.dialer.lost()
    await one.clock.advance(250)
    expect(one.attempts).toHaveLength(2)
  })

  test('connections that break at once are backed off too', async () => {
    const one = dialer()
    one.connected = false
    one.dialer.start()
    for (let i = 0; i < 10_000; i++) {
      one.attempts.at(-1)?.resolve(peer)
      await one.clock.advance(10)
    }
    expect(one.attempts.length).toBeLessThan(14)
  })

  test('one that is no seed is given up after its time, and ourselves at once', async () => {
    let givenUp = 0
    const one = dialer({ giveUpMs: 10_000, onGivenUp: () => givenUp++ })
    one.dialer.start()
    await refuse(one, 60_000)
    expect(givenUp).toBe(1)
    expect(one.events.at(-1)?.type).toBe('dial-abandoned')
    expect(one.attempts.length).toBeLessThan(10)

    const self = dialer({ onGivenUp: () => givenUp++ })
    self.dialer.start()
    self.attempts[0]?.reject(Object.assign(new Error('us'), { code: 'FLATEND_MONTE_SELF' }))
    await self.clock.advance(60_000)
    expect(givenUp).toBe(2)
    expect(self.attempts).toHaveLength(1)
  })

  test('stopped in the middle of a dial it ends it and says nothing', async () => {
    const one = dialer()
    one.dialer.start()
    one.dialer.stop()
    await one.clock.advance(60_000)
    expect(one.attempts[0]?.signal.aborted).toBe(true)
    expect(one.attempts).toHaveLength(1)
    expect(one.events).toEqual([])
    expect(one.clock.pending).toBe(0)
  })
})
