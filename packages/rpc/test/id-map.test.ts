import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdMap } from '../src/id-map.ts'

describe('the map of open streams', () => {
  it('does what a Map does, however ids meet in slots', () => {
    const id = fc.oneof(fc.nat(64), fc.nat(2_048), fc.nat(0xffff_fff0))
    const step = fc.tuple(fc.constantFrom('open', 'end', 'get'), id)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const map = new IdMap<string>()
        const model = new Map<number, string>()
        for (const [what, at] of steps) {
          if (what === 'open' && !model.has(at)) {
            map.set(at, `stream ${at}`)
            model.set(at, `stream ${at}`)
          }
          const ended = what === 'end' && [map.delete(at), model.delete(at)]
          expect(ended === false || ended[0] === ended[1]).toBe(true)
          expect(map.get(at)).toBe(model.get(at))
          expect(map.has(at)).toBe(model.has(at))
          expect(map.size).toBe(model.size)
        }
        expect([...map.values()].toSorted()).toEqual([...model.values()].toSorted())
      }),
    )
  })

  it('keeps a stream that outlives thousands', () => {
    const map = new IdMap<number>()
    map.set(1, 1)
    for (let id = 3; id < 20_000; id += 2) {
      map.set(id, id)
      expect(map.get(id)).toBe(id)
      expect(map.delete(id)).toBe(true)
    }
    expect([...map.values()]).toEqual([1])
    expect(map.size).toBe(1)
  })
})
