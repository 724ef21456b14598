// Measures one table at a time; all see the same ids and targets.
import { createHash } from 'node:crypto'
import { handle, ready } from '../lib/agent.mjs'

/**
 * @typedef {object} Table
 * @property {(id: Buffer) => void} insert
 * @property {(target: Buffer, count: number) => readonly Uint8Array[]} closest - ids
 * @property {() => Iterable<Uint8Array>} ids - all that it kept
 *
 * @typedef {(own: Buffer) => Table} CreateTable
 */

const IDS = 10_000
const WANTED = 20
/** Answers that are compared with the true ones. */
const CHECKED = 200

/** 32 bytes, the same in every run. @param {string} text */
function id(text) {
  return createHash('sha256').update(text).digest()
}

const own = id('own')
const ids = Array.from({ length: IDS }, (_, i) => id(`id ${i}`))
const targets = Array.from({ length: IDS }, (_, i) => id(`target ${i}`))

/** @type {Record<string, () => Promise<CreateTable>>} */
const tables = {
  flatend: async () => (await import('./flatend.mjs')).create,
  'k-bucket': async () => (await import('./k-bucket.mjs')).create,
  'flatend-2020': async () => (await import('./flatend-2020.mjs')).create,
}

/**
 * Repeats `once` until the time is over.
 * @param {number} ms
 * @param {() => void} once
 * @returns {number} times a second
 */
function rate(ms, once) {
  const start = performance.now()
  let count = 0
  let now = start
  while (now - start < ms) {
    once()
    count++
    now = performance.now()
  }
  return (count / (now - start)) * 1_000
}

/**
 * By distance, the obvious way.
 * @param {Iterable<Uint8Array>} kept
 * @param {Buffer} target
 */
function trulyClosest(kept, target) {
  return [...kept]
    .map((one) => ({ one, distance: Buffer.from(one.map((byte, i) => byte ^ (target[i] ?? 0))) }))
    .toSorted((a, b) => Buffer.compare(a.distance, b.distance))
    .slice(0, WANTED)
    .map(({ one }) => one)
}

/**
 * How many answers are the true ones, in the true order, in percent.
 * @param {Table} table
 */
function exactness(table) {
  const kept = [...table.ids()]
  let right = 0
  for (const target of targets.slice(0, CHECKED)) {
    const found = table.closest(target, WANTED)
    const truth = trulyClosest(kept, target)
    if (
      found.length === truth.length &&
      truth.every((one, i) => Buffer.compare(one, found[i] ?? own) === 0)
    ) {
      right++
    }
  }
  return (right / CHECKED) * 100
}

handle('measure', async (/** @type {{ name: string, ms: number }} */ { name, ms }) => {
  const create = await tables[name]?.()
  if (!create) throw new Error(`no table ${name}`)
  const fill = () => {
    const table = create(own)
    for (const one of ids) table.insert(one)
    return table
  }
  rate(ms / 2, fill)
  const inserts = rate(ms, fill) * IDS
  const table = fill()
  let next = 0
  const look = () => {
    // In batches: a look at the clock costs a tenth of a fast lookup.
    for (let i = 0; i < 16; i++) {
      table.closest(/** @type {Buffer} */ (targets[next]), WANTED)
      next = next + 1 === targets.length ? 0 : next + 1
    }
  }
  rate(ms / 2, look)
  const closest = rate(ms, look) * 16
  return { inserts, closest, exact: exactness(table), kept: [...table.ids()].length }
})

ready()
