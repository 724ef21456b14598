import { RemoteProtocolError } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { createVirtualClock, type Side } from '../src/memory/index.ts'
import type { Link } from '../src/ports.ts'
import {
  closeCodes,
  openedLegacy,
  openedPair,
  openScripted,
  ScriptedLink,
  say,
} from './support/channels.ts'
import { join } from './support/vectors.ts'

/** A listener whose owner throws at each message. */
const owner = (error: Error) => ({
  listener: {
    receiver: {
      onOpen: () => undefined,
      onMessage: () => {
        throw error
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    },
  },
})

describe('the end', () => {
  test('is orderly by END on both sides, and what was queued arrives first', () => {
    const { clock, dialer, listener } = openedPair({ latency: 50 })
    for (let i = 0; i < 40; i++) say(dialer, new Uint8Array(60_000))
    dialer.channel.close(0, 'bye')
    clock.run()
    expect(listener.heard.length).toBe(40)
    expect([dialer.closes, listener.closes]).toEqual([[undefined], [undefined]])
    expect(clock.pending).toBe(0)
  })

  test('with a code tells the peer why', () => {
    const { clock, dialer, listener } = openedPair()
    dialer.channel.fail(3, new Error('too much'))
    clock.run()
    expect(dialer.closes.map((error) => error?.message)).toEqual(['too much'])
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_ENDED'])
    expect(listener.closes[0]).toMatchObject({ details: { code: 3, reason: 'too much' } })
  })

  test('is the last that is read, though more comes behind it at once', () => {
    let behind: Uint8Array | undefined
    const tap = (link: Link): Link => ({
      remote: link.remote,
      attach: (receiver) => link.attach(receiver),
      write: (chunks) => link.write(behind ? [join([...chunks, behind])] : chunks),
      end: () => link.end(),
      destroy: () => link.destroy(),
      pause: () => link.pause(),
      resume: () => link.resume(),
    })
    const { clock, dialer, listener } = openedPair({ dialer: { tap } })
    behind = new Uint8Array(4).fill(0xff)
    dialer.channel.close()
    clock.run()
    expect(closeCodes(listener)).toEqual([undefined])
    expect(closeCodes(dialer)).toEqual([undefined])
  })

  test('is told once, by a link too that says it is gone while it is destroyed', () => {
    const link = new (class extends ScriptedLink {
      override destroy(): void {
        this.receiver?.onClose()
      }
    })()
    const closes: (string | undefined)[] = []
    openScripted(createVirtualClock(), link, closes).destroy(new Error('enough'))
    expect(closes).toHaveLength(1)
  })

  test('without END is an error', () => {
    for (const end of [
      ({ link }: Side) => link.end(),
      ({ link }: Side) => link.destroy(),
      ({ link }: Side) => link.cut(),
      ({ channel }: Side) => channel.destroy(),
    ]) {
      const { clock, dialer, listener } = openedPair()
      end(dialer)
      clock.run(5_000)
      expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_TRUNCATED'])
      expect(dialer.closes.length).toBe(1)
    }
  })

  test('of v1 is orderly between packets, and an error inside one', () => {
    for (const cut of [false, true]) {
      const { clock, dialer, listener } = openedLegacy()
      if (cut) dialer.link.write([Uint8Array.of(0, 0, 0, 30)])
      dialer.link.end()
      clock.run(5_000)
      expect(closeCodes(listener)).toEqual([cut ? 'FLATEND_MONTE_TRUNCATED' : undefined])
    }
  })

  test('both sides at once', () => {
    const { clock, dialer, listener } = openedPair()
    dialer.channel.close()
    listener.channel.close()
    clock.run()
    expect([dialer.closes, listener.closes]).toEqual([[undefined], [undefined]])
  })

  test('a peer that never ends its side is cut off after 2 s', () => {
    const { clock, dialer, listener } = openedPair()
    listener.channel.pause()
    dialer.channel.close()
    clock.advance(1_900)
    expect(dialer.closes).toEqual([])
    clock.advance(200)
    expect(dialer.closes).toEqual([undefined])
  })

  test('of a channel that had paused is heard all the same', () => {
    const { clock, dialer, listener } = openedPair()
    dialer.channel.pause()
    dialer.channel.close()
    clock.advance(100)
    expect([dialer.closes, listener.closes]).toEqual([[undefined], [undefined]])
  })

  test('a malformed PING or END closes with code 2', () => {
    for (const opcode of [7, 9]) {
      const { clock, dialer, listener } = openedPair()
      say(dialer, Uint8Array.of(1), opcode)
      clock.run(5_000)
      expect(closeCodes(listener)).toEqual(['FLATEND_WIRE_TRUNCATED'])
      expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_ENDED'])
    }
  })

  test('an owner that throws a RemoteProtocolError ends it with code 2, anything else cuts it', () => {
    const remote = openedPair(owner(new RemoteProtocolError('X', 'x')))
    say(remote.dialer, new Uint8Array(0))
    say(remote.dialer, new Uint8Array(0))
    remote.clock.run(5_000)
    expect([remote.listener.heard.length, ...closeCodes(remote.listener)]).toEqual([1, 'X'])
    expect(remote.dialer.closes[0]).toMatchObject({ details: { code: 2 } })

    const bug = openedPair(owner(new TypeError('bug')))
    say(bug.dialer, new Uint8Array(0))
    bug.clock.run(5_000)
    expect(bug.listener.closes).toEqual([new TypeError('bug')])
    expect(bug.dialer.closes.length).toBe(1)
  })

  test('a packet that is not authentic ends it, on both sides with the reason', () => {
    const { clock, dialer, listener } = openedPair()
    dialer.link.write([new Uint8Array(4 + 20).fill(20, 3, 4)])
    clock.run(5_000)
    expect(closeCodes(listener)).toEqual(['FLATEND_MONTE_AUTHENTICATION'])
    expect(closeCodes(dialer)).toEqual(['FLATEND_MONTE_ENDED'])
  })
})

test('a link that closes during the handshake: one onClose, in words', () => {
  const clock = createVirtualClock()
  const link = new ScriptedLink()
  const closes: (string | undefined)[] = []
  openScripted(clock, link, closes)
  link.receiver?.onEnd()
  link.receiver?.onClose()
  link.receiver?.onClose(new Error('late'))
  expect(closes).toEqual(['FLATEND_MONTE_HANDSHAKE_REFUSED'])
  expect(clock.pending).toBe(0)
})
