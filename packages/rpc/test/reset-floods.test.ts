import { describe, expect, test } from 'vitest'
import { RESET } from '../src/index.ts'
import { GOAWAY, REQUEST, RESET_STREAM, request, reset } from './support/messages.ts'
import { alone } from './support/parties.ts'

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
