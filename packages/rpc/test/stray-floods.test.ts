import type { Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import {
  CONNECTION,
  DATA,
  data,
  GOAWAY,
  REQUEST,
  RESET_STREAM,
  RESPONSE,
  request,
  reset,
  response,
  WINDOW,
  window,
} from './support/messages.ts'
import { alone } from './support/parties.ts'

type Scene = ReturnType<typeof alone>
const goAway = (writer: Writer): Writer => writer.u16(9).u32(0).text16('')
const codeOf = ({ party }: Scene): string | undefined => party.violation?.code

/** A call that came and is over. */
function over(scene: Scene, id = 1): void {
  scene.say(REQUEST, request(id))
  scene.say(RESET_STREAM, reset(id))
}

/** How often something is said before the connection ends. */
function saidUntilEnded(scene: Scene, opcode: number, body: (writer: Writer) => void): number {
  for (let said = 0; said < 1_000; said++) {
    scene.say(opcode, body)
    if (codeOf(scene)) return said
  }
  return 1_000
}

const strays: readonly (readonly [string, number, (writer: Writer) => void])[] = [
  ['empty DATA of a call that is over', DATA, data(1, 0)],
  ['tiny DATA of one', DATA, data(1, 15)],
  ['WINDOW for one', WINDOW, window(1, 1)],
  ['responses of one', RESPONSE, response(1)],
  ['WINDOW of nothing', WINDOW, window(CONNECTION, 0)],
  ['GOAWAY', GOAWAY, goAway],
]

describe('messages that do nothing', () => {
  test.each(strays)('%s: some are taken, then the connection ends', (_, opcode, body) => {
    const scene = alone({ both: { limits: { straysPerSecond: 0 } } })
    over(scene)
    const said = saidUntilEnded(scene, opcode, body)
    expect(codeOf(scene)).toBe('FLATEND_RPC_STRAY_FLOOD')
    expect(said).toBeGreaterThanOrEqual(264)
    expect(said).toBeLessThanOrEqual(400)
  })

  test('come back with time', () => {
    const scene = alone()
    over(scene)
    for (let i = 0; i < 200; i++) {
      for (let n = 0; n < 30; n++) scene.say(DATA, data(1, 0))
      scene.clock.advance(1_000)
    }
    expect(codeOf(scene)).toBeUndefined()
  })

  test('are as many as calls were under way: each adds 64', () => {
    const scene = alone({ both: { limits: { straysPerSecond: 0, strayBurst: 0 } } })
    for (let call = 0; call < 50; call++) {
      const id = 2 * call + 1
      over(scene, id)
      for (let n = 0; n < 64; n++) scene.say(DATA, data(id, 0))
    }
    expect(codeOf(scene)).toBeUndefined()
  })

  test('DATA of 16 bytes and more is held by credit alone, which it gets back', () => {
    const scene = alone({ both: { limits: { straysPerSecond: 0, strayBurst: 0 } } })
    over(scene)
    for (let n = 0; n < 2_000; n++) scene.say(DATA, data(1, 5_000))
    expect(codeOf(scene)).toBeUndefined()
  })
})
