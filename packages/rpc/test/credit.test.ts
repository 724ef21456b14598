import { describe, expect, test } from 'vitest'
import type { MemoryChannel } from './support/memory-channel.ts'
import { begun, type Made, type Pair, pair, pattern, type Received } from './support/parties.ts'

const STREAM = 262_144
const CONNECTION = 4_194_304
const DATA = 3
const WINDOW = 6

const read32 = (body: Uint8Array, at: number): number => new DataView(body.buffer).getUint32(at)

/** Bytes of DATA a channel carried. */
function carried({ sent }: MemoryChannel): number {
  return sent.reduce((sum, { opcode, body }) => sum + (opcode === DATA ? body.length - 6 : 0), 0)
}

/** Credit given on a stream, or on the connection. */
function granted({ sent }: MemoryChannel, stream = 0xffff_ffff): number {
  const windows = sent.filter(({ opcode, body }) => opcode === WINDOW && read32(body, 0) === stream)
  return windows.reduce((sum, { body }) => sum + read32(body, 4), 0)
}

/** A call whose handler reads nothing. */
function slow({ clock, dialer, listener }: Pair): { made: Made; received: Received } {
  listener.greedy = false
  const made = dialer.call()
  clock.advance(5)
  return { made, received: listener.last }
}

describe('credit of a stream', () => {
  test('is 262,144 bytes: a reader that stops stops its sender there', () => {
    const scene = pair()
    const { made, received } = slow(scene)
    expect(made.handle.write(pattern(STREAM))).toBe(true)
    expect(made.handle.write(pattern(1))).toBe(false)
    made.handle.write(pattern(100_000, 1))
    scene.clock.advance(20_000)
    expect([received.length, carried(scene.dialer.channel), made.drains]).toEqual([
      STREAM,
      STREAM,
      0,
    ])
  })

  test('returns as the application takes bytes, in quarters, and the sender is told to go on', () => {
    const scene = pair()
    const { made, received } = slow(scene)
    const whole = pattern(STREAM + 100_000)
    expect(made.handle.write(whole)).toBe(false)
    scene.clock.advance(5)
    received.call.consumed(65_535)
    scene.clock.advance(5)
    expect([received.length, granted(scene.listener.channel, 1)]).toEqual([STREAM, 0])
    received.call.consumed(1)
    scene.clock.advance(5)
    expect([received.length, granted(scene.listener.channel, 1), made.drains]).toEqual([
      STREAM + 65_536,
      65_536,
      0,
    ])
    received.call.consumed(65_536)
    scene.clock.advance(5)
    expect([received.length, made.drains]).toEqual([whole.length, 1])
    expect(Buffer.compare(Buffer.concat(received.chunks), whole)).toBe(0)
  })

  test('holds for answers as for requests', () => {
    const { clock, listener, made, received } = begun()
    made.greedy = false
    received.call.end(pattern(STREAM + 10))
    clock.advance(5)
    expect([made.length, carried(listener.channel), made.ended]).toEqual([STREAM, STREAM, 0])
    made.handle.consumed(STREAM)
    clock.advance(5)
    expect([made.length, made.ended]).toEqual([STREAM + 10, 1])
  })

  test('of one stream stops no other', () => {
    const scene = pair()
    const { made } = slow(scene)
    made.handle.write(pattern(STREAM * 2))
    scene.listener.greedy = true
    const other = scene.dialer.call()
    scene.clock.advance(5)
    const quick = scene.listener.last
    other.handle.end(pattern(3_000_000))
    scene.clock.advance(100)
    expect([quick.length, quick.ended]).toEqual([3_000_000, 1])
    quick.call.end(pattern(1_000_000))
    scene.clock.advance(100)
    expect([other.length, other.ended, made.over]).toEqual([1_000_000, 1, false])
  })

  test('is not given for more bytes than there were', () => {
    const scene = pair()
    const { made, received } = slow(scene)
    made.handle.write(pattern(100_000))
    scene.clock.advance(5)
    received.call.consumed(1e9)
    received.call.consumed(1e9)
    received.call.consumed(-5)
    received.call.consumed(Number.NaN)
    scene.clock.advance(5)
    expect(granted(scene.listener.channel, 1)).toBe(100_000)
    expect(scene.dialer.violation).toBeUndefined()
  })

  test('that was 0 when the body ended lets the end through when it comes', () => {
    const scene = pair()
    const { made, received } = slow(scene)
    made.handle.write(pattern(STREAM))
    made.handle.end()
    scene.clock.advance(5)
    expect([received.length, received.ended]).toEqual([STREAM, 1])
  })
})

describe('credit of the connection', () => {
  test('is 4,194,304 bytes for all streams, shared in turns', () => {
    const scene = pair()
    const calls = Array.from({ length: 20 }, () => slow(scene))
    for (const { made } of calls) made.handle.write(pattern(STREAM + 1))
    scene.clock.advance(100)
    expect(carried(scene.dialer.channel)).toBe(CONNECTION)
    expect(calls.map(({ received }) => received.length)).toEqual([
      ...Array.from({ length: 16 }, () => STREAM),
      0,
      0,
      0,
      0,
    ])
    for (const { received } of calls.slice(0, 4)) received.call.consumed(STREAM)
    scene.clock.advance(5)
    expect(calls.slice(16).every(({ received }) => received.length > 0)).toBe(true)
  })

  test('returns when a stream ends, however it ends, unread as its bytes may be', () => {
    const endings: ((call: { made: Made; received: Received }) => void)[] = [
      ({ made }) => made.handle.cancel(),
      ({ received }) => received.call.fail(3),
      ({ made, received }) => {
        made.handle.end()
        received.call.end()
      },
    ]
    for (const end of endings) {
      const scene = pair()
      for (let i = 0; i < 40; i++) {
        const call = slow(scene)
        call.made.handle.write(pattern(STREAM))
        scene.clock.advance(5)
        expect(call.received.length).toBe(STREAM)
        end(call)
        scene.clock.advance(5)
      }
      const outstanding = carried(scene.dialer.channel) - granted(scene.listener.channel)
      expect(outstanding).toBeLessThan(CONNECTION / 4)
      expect(scene.listener.connection.idle).toBe(true)
    }
  })

  test('returns for DATA that comes after a RESET', () => {
    const scene = pair({ latencyMs: 5 })
    for (let i = 0; i < 40; i++) {
      const made = scene.dialer.call()
      scene.clock.advance(10)
      scene.listener.last.call.fail(3)
      made.handle.write(pattern(STREAM))
      scene.clock.advance(20)
    }
    const outstanding = carried(scene.dialer.channel) - granted(scene.listener.channel)
    expect(outstanding).toBeLessThan(CONNECTION / 4)
  })
})

describe('a channel that is full', () => {
  test('says so to who writes, and drains in turns', () => {
    const scene = pair({ highWaterMark: 10_000, latencyMs: 10 })
    const [one, other] = [scene.dialer.call(), scene.dialer.call()]
    scene.clock.advance(20)
    expect(one.handle.write(pattern(5_000))).toBe(true)
    expect(one.handle.write(pattern(20_000))).toBe(false)
    expect(other.handle.write(pattern(1))).toBe(false)
    expect([one.drains, other.drains]).toEqual([0, 0])
    scene.clock.advance(10)
    expect([one.drains, other.drains]).toEqual([1, 1])
    expect(one.handle.write(pattern(1))).toBe(true)
  })

  test('writers that go on at each drain bring everything, in order', () => {
    const scene = pair({ highWaterMark: 50_000 })
    const calls = Array.from({ length: 4 }, (_, seed) => ({
      made: scene.dialer.call(),
      left: 50,
      seed,
    }))
    scene.clock.advance(5)
    for (const call of calls) {
      const pump = (): void => {
        while (call.left > 0) {
          call.left--
          if (!call.made.handle.write(pattern(20_000, call.seed))) return
        }
        call.made.handle.end()
      }
      call.made.whenDrained = pump
      pump()
    }
    scene.clock.advance(1_000)
    for (const [i, received] of scene.listener.received.entries()) {
      expect([received.length, received.ended]).toEqual([1_000_000, 1])
      const expected = Buffer.concat(Array.from({ length: 50 }, () => pattern(20_000, i)))
      expect(Buffer.compare(Buffer.concat(received.chunks), expected)).toBe(0)
    }
  })
})

describe('tiny pieces', () => {
  test('in any number are joined before the peer takes them for a flood', () => {
    const { clock, made, received, dialer, listener } = begun({}, { timeoutMs: 3_600_000 })
    const whole = pattern(5_000)
    for (let i = 0; i < whole.length; i++) made.handle.write(whole.subarray(i, i + 1))
    clock.advance(300)
    expect(listener.violation).toBeUndefined()
    expect(Buffer.compare(Buffer.concat(received.chunks), whole)).toBe(0)
    expect(dialer.channel.sent.filter(({ opcode }) => opcode === DATA).length).toBeLessThan(
      5_000 / 16 + 60,
    )
  })

  test('that come slowly for hours arrive at once at first, and 200 ms later at the latest', () => {
    const { clock, made, received, listener } = begun({}, { timeoutMs: 36_000_000 })
    for (let i = 0; i < 50; i++) made.handle.write(Uint8Array.of(i))
    clock.advance(1)
    expect(received.length).toBe(50)
    for (let i = 0; i < 2_000; i++) {
      made.handle.write(Uint8Array.of(i & 0xff))
      clock.advance(37)
    }
    clock.advance(200)
    expect([received.length, listener.violation]).toEqual([2_050, undefined])
    made.handle.write(Uint8Array.of(1))
    made.handle.end(Uint8Array.of(2))
    clock.advance(5)
    expect([received.length, received.ended]).toEqual([2_052, 1])
  })

  test('that the network delays by 9 s and delivers at once are no flood', () => {
    const { clock, made, received, listener } = begun({}, { timeoutMs: 36_000_000 })
    const write = (times: number): void => {
      for (let i = 0; i < times; i++) {
        made.handle.write(Uint8Array.of(1))
        clock.advance(20)
      }
    }
    write(1_000)
    listener.channel.pause()
    write(450)
    listener.channel.resume()
    write(10)
    clock.advance(1_000)
    expect([received.length, listener.violation]).toEqual([1_460, undefined])
  })

  test('held back go with the end, and are forgotten with the call', () => {
    for (const how of ['end', 'cancel', 'close']) {
      const { clock, made, received, dialer } = begun()
      for (let i = 0; i < 52; i++) made.handle.write(Uint8Array.of(i))
      if (how === 'end') made.handle.end()
      if (how === 'cancel') made.handle.cancel()
      if (how === 'close') dialer.end()
      clock.advance(5)
      expect(received.length).toBe(how === 'end' ? 52 : received.length)
      received.call.end()
      clock.advance(40_000)
      expect(clock.pending).toBe(0)
    }
  })

  test('are joined also while they wait for credit', () => {
    const scene = pair()
    const { made, received } = slow(scene)
    made.handle.write(pattern(STREAM))
    for (let i = 0; i < 500; i++) made.handle.write(Uint8Array.of(i & 0xff))
    scene.clock.advance(300)
    received.greedy = true
    received.call.consumed(STREAM)
    scene.clock.advance(300)
    expect([received.length, scene.listener.violation]).toEqual([STREAM + 500, undefined])
  })
})
