import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { GOAWAY, REQUEST, RESET_STREAM, request, reset } from './support/messages.ts'
import { alone, pair } from './support/parties.ts'

type Scene = ReturnType<typeof alone>
const codeOf = ({ party }: Scene): string | undefined => party.violation?.code

const opened = (count: number, scene: Scene, reach: (id: number) => void): void => {
  for (let i = 0; i < count; i++) {
    const id = scene.party.stats.callsReceived * 2 + 1
    scene.say(REQUEST, request(id))
    reach(id)
  }
}

describe('RESETs', () => {
  test('that follow requests: 200 at once and 33 a second, then GOAWAY and the end', () => {
    const scene = alone({ both: { limits: { resetsPerSecond: 0 } } })
    opened(200, scene, (id) => scene.say(RESET_STREAM, reset(id)))
    expect([codeOf(scene), scene.party.stats.resetsReceived]).toEqual([undefined, 200])
    opened(1, scene, (id) => scene.say(RESET_STREAM, reset(id)))
    expect(codeOf(scene)).toBe('FLATEND_RPC_RESET_FLOOD')
    const last = scene.party.channel.sent.at(-1)
    expect([last?.opcode, last?.body[1]]).toEqual([GOAWAY, RESET.shuttingDown])
  })

  test('come back at 33 a second', () => {
    const scene = alone()
    const fill = (count: number) => opened(count, scene, (id) => scene.say(RESET_STREAM, reset(id)))
    fill(200)
    scene.clock.advance(10_000)
    fill(200)
    expect(codeOf(scene)).toBeUndefined()
    scene.clock.advance(1_000)
    // Each takes 2 ms here, in which others come back.
    fill(33)
    expect(codeOf(scene)).toBeUndefined()
    fill(60)
    expect(codeOf(scene)).toBe('FLATEND_RPC_RESET_FLOOD')
  })

  test('of one stream, over and over, count too', () => {
    const scene = alone({ both: { limits: { resetsPerSecond: 0 } } })
    scene.say(REQUEST, request(1))
    for (let i = 0; i < 200; i++) scene.say(RESET_STREAM, reset(1))
    expect(codeOf(scene)).toBeUndefined()
    scene.say(RESET_STREAM, reset(1))
    expect(codeOf(scene)).toBe('FLATEND_RPC_RESET_FLOOD')
  })

  test('with the code of a deadline that is far away count too', () => {
    const scene = alone({ both: { limits: { resetsPerSecond: 0 } } })
    opened(201, scene, (id) => scene.say(RESET_STREAM, reset(id, RESET.deadline)))
    expect(codeOf(scene)).toBe('FLATEND_RPC_RESET_FLOOD')
  })

  test('that crossed ours do not count, once each', () => {
    const scene = alone({ both: { limits: { resetsPerSecond: 0, resetBurst: 0 } } })
    opened(300, scene, (id) => {
      scene.party.last.call.fail(RESET.handler)
      scene.say(RESET_STREAM, reset(id))
    })
    expect(codeOf(scene)).toBeUndefined()
    scene.say(RESET_STREAM, reset(1))
    expect(codeOf(scene)).toBe('FLATEND_RPC_RESET_FLOOD')
  })
})

describe('cancels of ours', () => {
  test('that come all at once are told in turns, so that the peer keeps the connection', () => {
    const { clock, dialer, listener } = pair()
    const kept = dialer.call()
    const calls = Array.from({ length: 255 }, () => dialer.call())
    clock.advance(5)
    for (const { handle } of calls) handle.cancel('gone')
    expect(dialer.connection.load).toBe(1)
    clock.advance(5)
    const cancelled = () => listener.received.filter(({ cancels }) => cancels.length > 0).length
    expect(cancelled()).toBe(180)
    clock.advance(3_000)
    expect([cancelled(), listener.violation, kept.over]).toEqual([255, undefined, false])
    expect(listener.received.at(-1)?.cancels[0]?.message).toBe('gone')
  })

  test('for ever, faster than the peer takes them, break nothing and leave nothing', () => {
    const { clock, dialer, listener } = pair({ both: { limits: { timeoutMs: 2_000 } } })
    for (let i = 0; i < 1_000; i++) {
      dialer.call().handle.cancel()
      clock.advance(10)
    }
    expect([listener.violation, dialer.violation]).toEqual([undefined, undefined])
    clock.advance(10_000)
    expect([listener.connection.idle, clock.pending]).toEqual([true, 0])
    const told = dialer.channel.sent.filter(({ opcode }) => opcode === RESET_STREAM).length
    expect(told).toBeLessThan(180 + 30 * 13)
  })

  test('are forgotten with the connection', () => {
    const { clock, dialer } = pair({ both: { limits: { resetBurst: 0, resetsPerSecond: 0 } } })
    dialer.call().handle.cancel()
    dialer.end()
    clock.advance(60_000)
    expect([clock.pending, dialer.channel.sent.length]).toEqual([0, 1])
  })
})
