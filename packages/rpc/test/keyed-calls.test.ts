import { describe, expect, test } from 'vitest'
import { type Connection, RESET } from '../src/index.ts'
import { lastReceived, type Scene, scene } from './support/callers.ts'
import { make } from './support/parties.ts'

/** A directory that gives a key its providers in the order of their numbers; so many are connected. */
function keyed(count: number, connected = count) {
  const order: Connection[] = []
  const asked: string[] = []
  const known = { connected }
  const s: Scene = scene(count, {
    directory: {
      providers: () => order,
      keyed: (_services, key) => {
        asked.push(String(key))
        const list = order.slice(0, known.connected)
        return list.length > 0 ? list : undefined
      },
      findKeyed: async (_services, _key, isEligible) => {
        while (!order.slice(0, known.connected).some(isEligible) && known.connected < count)
          known.connected++
      },
    },
  })
  order.push(...s.known)
  return { s, asked, known }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a call with a key', () => {
  test('goes to the first of its providers, however much that has to do', () => {
    const { s, asked } = keyed(4)
    for (let i = 0; i < 20; i++) s.call({ key: 'k' })
    s.advance(5)
    expect(new Set(s.ran())).toEqual(new Set([0]))
    expect(new Set(asked)).toEqual(new Set(['k']))
  })

  test('goes to the next where nothing ran', () => {
    const { s } = keyed(3)
    const made = s.call({ key: 'k' })
    s.advance(5)
    lastReceived(s).call.fail(RESET.overloaded)
    s.advance(5)
    expect(s.ran()).toEqual([0, 1])
    expect(made.errors).toEqual([])
  })

  test('waits for its provider to be connected, and for the next where that fails', async () => {
    const { s } = keyed(3, 0)
    const made = s.call({ key: 'k' })
    await turn()
    s.advance(5)
    expect(s.ran()).toEqual([0])
    lastReceived(s).call.fail(RESET.shuttingDown)
    s.advance(5)
    await turn()
    s.advance(5)
    expect(s.ran()).toEqual([0, 1])
    lastReceived(s).call.end()
    s.advance(5)
    expect([made.ended, made.errors]).toEqual([1, []])
  })

  test('fails with the last reason where there is nobody else', async () => {
    const { s } = keyed(1)
    const made = s.call({ key: 'k' })
    s.advance(5)
    lastReceived(s).call.fail(RESET.overloaded)
    s.advance(5)
    await turn()
    expect(made.kind).toBe('overloaded')
  })

  test('is refused where nobody knows whom a key belongs to', () => {
    const s = scene(2)
    expect(() => make(s.caller, { key: 'k' })).toThrow(
      expect.objectContaining({ code: 'FLATEND_RPC_KEYED' }) as Error,
    )
  })
})
