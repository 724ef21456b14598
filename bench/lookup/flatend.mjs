// Our lookup with all that belongs to it: its wire format, timers for slow and late answers, measured
// round trips, and candidates as it keeps them. Every node answers from its own table.
import { createDiscovery } from '@flatend/kademlia'
import { Reader, Writer } from '@flatend/wire'
import { create } from '../table/flatend.mjs'
import { fill, WANTED } from './network.mjs'

/** @import { Peer } from '@flatend/kademlia' */
/** @import { Lookups } from './worker.mjs' */

const ADDRESS = [0, 10, 0, 0, 1, 35, 40, 1]
const clock = {
  now: () => performance.now(),
  /** @param {number} ms @param {() => void} callback */
  schedule(ms, callback) {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** @returns {Lookups} */
export function flatendLookups() {
  const tables = fill(create)
  let messages = 0
  /** @param {Uint8Array} key @returns {Peer} */
  const peerOf = (key) => ({
    key,
    address: { host: '10.0.0.1', port: 9_000 },
    version: 2,
    services: [],
    dialed: '10.0.0.1:9000',
    reply: () => undefined,
    send: () => undefined,
    retire: () => undefined,
    request: (_opcode, write, onReply) => {
      messages++
      const asked = new Writer()
      write(asked)
      const target = Buffer.from(new Reader(asked.copy()).bytes(32))
      queueMicrotask(() => {
        const found = tables.get(Buffer.from(key).toString('hex'))?.closest(target, WANTED) ?? []
        const answer = new Writer().u8(found.length)
        for (const one of found) answer.bytes(one).bytes(Uint8Array.from(ADDRESS))
        onReply(0, new Reader(answer.copy()))
      })
    },
  })
  /** @type {Map<string, ReturnType<typeof createDiscovery>>} */
  const nodes = new Map()
  /** @param {Buffer} from */
  const nodeOf = (from) => {
    const name = from.toString('hex')
    const known = nodes.get(name)
    if (known) return known
    const node = createDiscovery({
      self: { key: from },
      clock,
      random: Math.random,
      network: {
        connect: ({ key }) =>
          key ? Promise.resolve(peerOf(key)) : Promise.reject(new Error('nobody there')),
      },
    })
    for (const key of tables.get(name)?.ids() ?? [])
      node.table.seen({ key, address: { host: '10.0.0.1', port: 9_000 }, capabilities: 1 })
    nodes.set(name, node)
    return node
  }
  return {
    lookup: async (from, target) => {
      const before = messages
      const { signal } = new AbortController()
      const found = await nodeOf(from).lookup(target, { signal })
      return { found: found.map(({ key }) => key), messages: messages - before }
    },
  }
}
