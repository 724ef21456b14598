import { describe, expect, test } from 'vitest'
import { Keepalive } from '../src/keepalive.ts'
import { createVirtualClock } from '../src/memory/index.ts'
import {
  closeCodes,
  openedLegacy,
  openedPair,
  openScripted,
  ScriptedLink,
  say,
} from './support/channels.ts'

describe('time', () => {
  test('a handshake has 5 s', () => {
    const clock = createVirtualClock()
    const link = new ScriptedLink()
    const closes: (string | undefined)[] = []
    openScripted(clock, link, closes)
    clock.advance(4_999)
    expect(closes).toEqual([])
    clock.advance(1)
    expect(closes).toEqual(['FLATEND_MONTE_HANDSHAKE_TIMEOUT'])
    expect([link.destroyed, clock.pending]).toEqual([true, 0])
  })

  test('a silent peer is asked after 15 s, and lives as long as it answers', () => {
    const { clock, dialer, listener } = openedPair()
    clock.advance(600_000)
    expect([dialer.closes, listener.closes]).toEqual([[], []])
  })

  test('a peer that answers nothing is dead after two pings: 25 s', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    const before = clock.now()
    clock.advance(24_000)
    expect(dialer.closes).toEqual([])
    clock.advance(2_000)
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_DEAD'])
    expect(clock.now() - before).toBe(26_000)
  })

  test('while busy after 5 s', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    dialer.channel.busy = true
    clock.advance(4_500)
    expect(dialer.closes).toEqual([])
    clock.advance(600)
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_DEAD'])
  })

  test('busy for a moment changes nothing', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    dialer.channel.busy = true
    clock.advance(1_000)
    dialer.channel.busy = false
    clock.advance(20_000)
    expect([dialer.channel.busy, dialer.closes]).toEqual([false, []])
  })

  test('a process that slept asks before it judges', () => {
    const keepalive = new Keepalive({ askAfter: 15, deadAfter: 25, maxPings: 2 }, 0)
    expect([keepalive.due, keepalive.check(14)]).toEqual([15, 'wait'])
    expect([keepalive.check(3_600), keepalive.due]).toEqual(['ask', 3_605])
    expect([keepalive.check(3_604), keepalive.check(7_200)]).toEqual(['wait', 'ask'])
    keepalive.heard(7_201)
    expect([keepalive.check(7_205), keepalive.due]).toEqual(['wait', 7_216])
    expect([7_216, 7_221, 7_226].map((now) => keepalive.check(now))).toEqual(['ask', 'ask', 'dead'])
  })

  test('silence while we do not listen proves nothing', () => {
    const { clock, dialer } = openedPair({
      listener: { limits: { keepaliveMs: 1e9, deadMs: 2e9 } },
    })
    dialer.channel.pause()
    clock.advance(300_000)
    expect(dialer.closes).toEqual([])
    dialer.channel.resume()
    clock.advance(300_000)
    expect(dialer.closes).toEqual([])
  })

  test('v1 knows no PING, and lives in silence', () => {
    const { clock, dialer, listener } = openedLegacy()
    clock.advance(300_000)
    expect([dialer.heard, listener.heard, dialer.closes]).toEqual([[], [], []])
  })
})

describe('backpressure', () => {
  test('`writable` falls at the high-water mark, and onDrain follows', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    let sent = 0
    while (dialer.channel.writable) {
      say(dialer, new Uint8Array(10_000))
      sent++
    }
    expect(sent * 10_000).toBeGreaterThan(250_000)
    expect(sent * 10_000).toBeLessThan(280_000)
    clock.advance(100)
    expect([dialer.channel.writable, dialer.drains]).toEqual([false, 0])
    expect(dialer.channel.queued).toBeGreaterThan(250_000)
    listener.channel.resume()
    clock.advance(100)
    expect([dialer.channel.writable, dialer.drains]).toEqual([true, 1])
    expect(dialer.channel.queued).toBe(0)
    expect(listener.heard.length).toBe(sent)
  })

  test('a sender that heeds it moves everything, holding little', () => {
    const total = 400
    const scene = openedPair({ latency: 1 })
    const { clock, dialer, listener } = scene
    let sent = 0
    let most = 0
    while (listener.heard.length < total) {
      while (dialer.channel.writable && sent < total) {
        say(dialer, new Uint8Array(60_000))
        sent++
        most = Math.max(most, dialer.channel.queued)
      }
      if (!clock.next()) break
    }
    expect(listener.heard.length).toBe(total)
    expect(most).toBeLessThan(400_000)
  })

  test('more than 8 MiB queued ends it', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    for (let i = 0; i < 200; i++) say(dialer, new Uint8Array(60_000))
    expect(dialer.closes).toEqual([])
    clock.advance(1)
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_QUEUE_FULL'])
  })

  test('a peer that takes nothing for 10 s ends it; one that is slow does not', () => {
    const { clock, dialer, listener } = openedPair()
    const fill = (): void => {
      while (dialer.channel.writable) say(dialer, new Uint8Array(60_000))
    }
    listener.channel.pause()
    for (let i = 0; i < 5; i++) {
      fill()
      clock.advance(8_000)
      listener.channel.resume()
      clock.advance(100)
      listener.channel.pause()
    }
    expect(dialer.closes).toEqual([])
    fill()
    clock.advance(10_100)
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_STALLED'])
  })

  test('closing while the peer takes nothing ends after 10 s as an error', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    say(dialer, new Uint8Array(60_000))
    say(dialer, new Uint8Array(60_000))
    dialer.channel.close()
    clock.advance(20_000)
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_STALLED'])
  })
})
