import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HostRate } from '../src/admission/host-rate.ts'
import {
  type Admission,
  type AdmissionLimits,
  createAdmission,
  DEFAULT_ADMISSION_LIMITS,
  type RefusalReason,
  type Ticket,
} from '../src/index.ts'
import { createVirtualClock, seededRandom } from '../src/memory/index.ts'
import { localCode } from './support/sessions.ts'

const at = (host: string) => ({ host, port: 1_000 })
/** Hosts by number, each of another /16. */
const hostOf = (i: number) => at(`10.${i >> 8}.${i & 255}.1`)
const keyOf = (i: number) => new Uint8Array(32).fill(i)

function scene(limits: Partial<AdmissionLimits> = {}) {
  const clock = createVirtualClock()
  return { clock, admission: createAdmission({ clock, limits }) }
}

/** Takes a connection that has to be taken. */
function taken(admission: Admission, host = at('10.0.0.1'), role?: 'dialer'): Ticket {
  const ticket = admission.admit(host, role)
  if (ticket.refused) throw new Error(`refused: ${ticket.message}`)
  return ticket
}

const refused = (admission: Admission, host = at('10.0.0.1')): RefusalReason | undefined =>
  admission.admit(host).refused

/** Connections of a host that are taken and close at once. */
function comeAndGo(admission: Admission, count: number, host = at('10.0.0.1')): number {
  let admitted = 0
  for (let i = 0; i < count; i++) {
    const ticket = admission.admit(host)
    if (ticket.refused) continue
    admitted++
    ticket.closed()
  }
  return admitted
}

describe('half-open connections', () => {
  test('16 of one host; one that opens or closes makes room', () => {
    const { admission } = scene()
    const tickets = Array.from({ length: 16 }, () => taken(admission))
    expect(refused(admission)).toBe('half-open-host')
    expect(refused(admission, at('10.0.0.2'))).toBeUndefined()
    tickets[0]?.opened(keyOf(1))
    expect(refused(admission)).toBeUndefined()
    expect(refused(admission)).toBe('half-open-host')
    tickets[1]?.closed()
    expect(refused(admission)).toBeUndefined()
    expect(admission.metrics.refused['half-open-host']).toBe(2)
  })

  test('16 of the loopback too', () => {
    const { admission } = scene()
    for (let i = 0; i < 16; i++) taken(admission, at('127.0.0.1'))
    expect(refused(admission, at('127.0.0.1'))).toBe('half-open-host')
  })

  test('256 of all hosts', () => {
    const { admission } = scene()
    const tickets = Array.from({ length: 256 }, (_, i) => taken(admission, hostOf(i)))
    expect(refused(admission, hostOf(1_000))).toBe('half-open')
    tickets[7]?.closed()
    expect(refused(admission, hostOf(1_001))).toBeUndefined()
    expect(admission.metrics).toMatchObject({ halfOpen: 256, connections: 256 })
  })

  test('those we dial are none', () => {
    const { admission } = scene({ maxHalfOpen: 1, maxHalfOpenPerHost: 1 })
    taken(admission)
    for (let i = 0; i < 100; i++) taken(admission, at('10.0.0.1'), 'dialer')
    expect(admission.metrics).toMatchObject({ halfOpen: 1, connections: 101 })
  })
})

describe('new connections of one host', () => {
  test('40 at once, then 20 a second', () => {
    const { clock, admission } = scene()
    expect(comeAndGo(admission, 100)).toBe(40)
    clock.advance(49)
    expect(comeAndGo(admission, 10)).toBe(0)
    clock.advance(1)
    expect(comeAndGo(admission, 10)).toBe(1)
    clock.advance(1_000)
    expect(comeAndGo(admission, 100)).toBe(20)
    clock.advance(3_600_000)
    expect(comeAndGo(admission, 100)).toBe(40)
    expect(admission.metrics.refused.rate).toBe(60 + 10 + 9 + 80 + 60)
  })

  test('refused ones do not push the next further away', () => {
    const { clock, admission } = scene()
    comeAndGo(admission, 40)
    for (let i = 0; i < 50; i++) {
      clock.advance(1)
      comeAndGo(admission, i < 49 ? 3 : 0)
    }
    expect(comeAndGo(admission, 3)).toBe(1)
  })

  test('of the loopback are as many as they like', () => {
    const { admission } = scene()
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(comeAndGo(admission, 500, at(host))).toBe(500)
  })

  test('that we dial are as many as we like', () => {
    const { admission } = scene()
    for (let i = 0; i < 500; i++) taken(admission, at('10.0.0.1'), 'dialer').closed()
    expect(comeAndGo(admission, 100)).toBe(40)
  })

  test('an IPv6 /64 is one host, IPv4 in IPv6 notation the IPv4 host', () => {
    const { admission } = scene()
    let admitted = 0
    for (let i = 0; i < 100; i++)
      admitted += comeAndGo(admission, 1, at(`2001:db8:0:7::${i.toString(16)}`))
    expect(admitted).toBe(40)
    expect(comeAndGo(admission, 1, at('2001:db8:0:8::1'))).toBe(1)
    expect(comeAndGo(admission, 100, at('10.0.0.9'))).toBe(40)
    expect(comeAndGo(admission, 1, at('::ffff:10.0.0.9'))).toBe(0)
    expect(comeAndGo(admission, 1, at('::10.0.0.9'))).toBe(1)
  })

  test('links without an address are one host', () => {
    const { admission } = scene({ connectionBurst: 3 })
    const outcomes = Array.from({ length: 5 }, () => admission.admit(undefined).refused)
    expect(outcomes).toEqual([undefined, undefined, undefined, 'rate', 'rate'])
  })

  test('are counted as by a bucket for each host that is never forgotten', () => {
    const event = fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 700 }))
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const rate = new HostRate({ perSecond: 5, burst: 4, maxHosts: 100 }, 0)
        const naive = new Map<number, { tokens: number; at: number }>()
        let now = 0
        for (const [host, gap] of events) {
          now += gap
          const bucket = naive.get(host) ?? { tokens: 4, at: now }
          naive.set(host, bucket)
          bucket.tokens = Math.min(4, bucket.tokens + ((now - bucket.at) * 5) / 1_000)
          bucket.at = now
          const expected = bucket.tokens >= 1
          if (expected) bucket.tokens--
          expect(rate.take(String(host), now)).toBe(expected)
        }
      }),
    )
  })
})

describe('connections', () => {
  test('4,096 of all, ours among them', () => {
    const { admission } = scene()
    const tickets: Ticket[] = []
    for (let i = 0; i < 4_096; i++) {
      const ticket = taken(admission, hostOf(i), i % 2 === 0 ? 'dialer' : undefined)
      ticket.opened(Uint8Array.of(i >> 8, i & 255))
      tickets.push(ticket)
    }
    expect(refused(admission, hostOf(5_000))).toBe('connections')
    expect(admission.admit(hostOf(5_000), 'dialer').refused).toBe('connections')
    tickets[0]?.closed()
    tickets[0]?.closed()
    expect(refused(admission, hostOf(5_000))).toBeUndefined()
    expect(refused(admission, hostOf(5_001))).toBe('connections')
  })

  test('8 of one identity, whoever dialed', () => {
    const { admission } = scene()
    const tickets = Array.from({ length: 8 }, (_, i) => taken(admission, hostOf(i)))
    for (const ticket of tickets) expect(ticket.opened(keyOf(1))).toBeUndefined()
    const ninth = taken(admission, hostOf(9), 'dialer')
    expect(ninth.opened(keyOf(1))).toMatchObject({ refused: 'identity' })
    // It was never counted for the identity: its end makes no room.
    ninth.closed()
    expect(taken(admission, hostOf(10)).opened(keyOf(1))?.refused).toBe('identity')
    expect(taken(admission, hostOf(11)).opened(keyOf(2))).toBeUndefined()
    tickets[3]?.closed()
    expect(taken(admission, hostOf(12)).opened(keyOf(1))).toBeUndefined()
    expect(admission.metrics.refused.identity).toBe(2)
  })

  test('of anonymous peers have no identity to count for', () => {
    const { admission } = scene({ maxPerIdentity: 1 })
    for (let i = 0; i < 10; i++)
      expect(taken(admission, hostOf(i)).opened(undefined)).toBeUndefined()
    expect(admission.metrics).toMatchObject({ identities: 0, connections: 10, halfOpen: 0 })
  })
})

describe('memory', { timeout: 60_000 }, () => {
  test('300,000 addresses leave a bounded memory of them', () => {
    const { clock, admission } = scene({ maxTrackedHosts: 100 })
    let most = 0
    for (let i = 0; i < 300_000; i++) {
      comeAndGo(admission, 1, at(`${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.1`))
      if (i % 1_000 === 0) clock.advance(1)
      most = Math.max(most, admission.metrics.trackedHosts)
    }
    expect(most).toBeLessThanOrEqual(200)
    clock.advance(10_000)
    comeAndGo(admission, 1)
    expect(admission.metrics.trackedHosts).toBe(1)
  })

  test('one host among many addresses stays limited while they fit', () => {
    const { admission } = scene()
    expect(comeAndGo(admission, 50)).toBe(40)
    for (let i = 0; i < 4_000; i++) comeAndGo(admission, 1, hostOf(300 + i))
    expect(comeAndGo(admission, 50)).toBe(0)
  })

  test('whatever happens, what is counted is what is there', () => {
    const { clock, admission } = scene({ maxHalfOpen: 20, maxConnections: 40, maxPerIdentity: 3 })
    const random = seededRandom(5)
    const live = new Set<Ticket>()
    for (let i = 0; i < 20_000; i++) {
      const ticket = admission.admit(hostOf(Math.floor(random() * 30)))
      if (!ticket.refused) {
        live.add(ticket)
        if (random() < 0.5 && ticket.opened(keyOf(Math.floor(random() * 9)))) {
          ticket.closed()
          live.delete(ticket)
        }
      }
      const [first] = live
      if (first && random() < 0.5) {
        first.closed()
        live.delete(first)
      }
      if (random() < 0.3) clock.advance(20)
      const { connections, halfOpen } = admission.metrics
      expect(connections).toBe(live.size)
      expect(halfOpen <= 20 && connections <= 40).toBe(true)
    }
    for (const ticket of live) ticket.closed()
    const { admitted, refused: reasons, ...now } = admission.metrics
    expect(now).toMatchObject({ connections: 0, halfOpen: 0, identities: 0 })
    expect(admitted + reasons.rate + reasons['half-open'] + reasons['half-open-host']).toBe(
      20_000 - reasons.connections,
    )
  })
})

test('what the owner denies is counted', () => {
  const { admission } = scene()
  const ticket = taken(admission)
  ticket.denied()
  ticket.closed()
  expect(admission.metrics.refused.denied).toBe(1)
})

test('each limit is an option, and checked', () => {
  expect(scene(DEFAULT_ADMISSION_LIMITS).admission.metrics.connections).toBe(0)
  for (const limits of [{ maxHalfOpen: 0 }, { connectionBurst: Number.NaN }, { maxhalfopen: 1 }])
    expect(localCode(() => scene(limits as never))).toBe('FLATEND_MONTE_LIMIT')
})
