// The lookup of the paper, three requests at a time, over a table that brings none itself: what one
// writes around it. It ends when the 16 nearest that were seen have answered.
import { fill, WANTED } from './network.mjs'

const ALPHA = 3

/** @import { CreateTable } from '../table/worker.mjs' */
/** @import { Lookups } from './worker.mjs' */

/**
 * @param {CreateTable} create
 * @returns {Lookups}
 */
export function plainLookups(create) {
  const tables = fill(create)
  return {
    lookup: (from, target) => {
      /** @type {Map<string, { id: Buffer, distance: Buffer, asked: boolean }>} */
      const seen = new Map()
      const own = from.toString('hex')
      let messages = 0
      const see = (/** @type {Uint8Array} */ id) => {
        const key = Buffer.from(id).toString('hex')
        if (key === own || seen.has(key)) return
        const distance = Buffer.from(id.map((byte, i) => byte ^ (target[i] ?? 0)))
        seen.set(key, { id: Buffer.from(id), distance, asked: false })
      }
      const nearest = () =>
        [...seen.values()]
          .toSorted((a, b) => Buffer.compare(a.distance, b.distance))
          .slice(0, WANTED)
      for (const id of tables.get(own)?.closest(target, WANTED) ?? []) see(id)
      return new Promise((resolve) => {
        const step = () => {
          const ask = nearest()
            .filter(({ asked }) => !asked)
            .slice(0, ALPHA)
          if (ask.length === 0) {
            resolve({ found: nearest().map(({ id }) => id), messages })
            return
          }
          let left = ask.length
          for (const one of ask) {
            one.asked = true
            messages++
            queueMicrotask(() => {
              // As bytes, as any network has it.
              const found = tables.get(one.id.toString('hex'))?.closest(target, WANTED) ?? []
              const bytes = Buffer.concat(found)
              for (let at = 0; at < bytes.length; at += 32) see(bytes.subarray(at, at + 32))
              if (--left === 0) step()
            })
          }
        }
        step()
      })
    },
  }
}
