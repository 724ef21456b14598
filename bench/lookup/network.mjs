// 2,000 nodes, each with a table it was offered all ids for, whoever made the table. Who asks a node
// gets the 16 it knows nearest to the target, over a wire of bytes: what is not measured is a network.
import { createHash } from 'node:crypto'

/** @import { CreateTable, Table } from '../table/worker.mjs' */

const NODES = 2_000
export const WANTED = 16
const TARGETS = 500

/** 32 bytes, the same in every run. @param {string} text */
function id(text) {
  return createHash('sha256').update(text).digest()
}

export const ids = Array.from({ length: NODES }, (_, i) => id(`node ${i}`))
export const targets = Array.from({ length: TARGETS }, (_, i) => id(`target ${i}`))

/**
 * A table for each node, by the hex of its id.
 * @param {CreateTable} create
 * @returns {Map<string, Table>}
 */
export function fill(create) {
  const tables = new Map()
  for (const own of ids) {
    const table = create(own)
    for (const one of ids) if (one !== own) table.insert(one)
    tables.set(own.toString('hex'), table)
  }
  return tables
}

/** The nodes nearest to a target, by sorting all. @param {Buffer} target */
export function trulyNearest(target) {
  return ids
    .map((one) => ({ one, distance: Buffer.from(one.map((byte, i) => byte ^ (target[i] ?? 0))) }))
    .toSorted((a, b) => Buffer.compare(a.distance, b.distance))
    .slice(0, WANTED)
    .map(({ one }) => one)
}
