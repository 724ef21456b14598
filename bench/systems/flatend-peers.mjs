// Peers of one whole node, each with an identity of its own. They are sessions of @flatend/monte and
// no nodes, so that 6,000 fit in the dialer's process: what is looked at is the node that they are at.
import { randomBytes } from 'node:crypto'
import { nodeSuite } from '@flatend/monte/suite/node'
import { Node } from '@flatend/node'
import { dialSession } from './flatend-session.mjs'

/** @import { Opened, Served, Target } from '../lib/types.d.ts' */

/** @returns {Promise<Served>} */
export async function serve() {
  const node = await Node.start({
    bindAddrs: ['127.0.0.1:0'],
    services: { hello: () => 'Hello!' },
    // All of them come from this one host, and at once.
    limits: { admission: { maxHalfOpenPerHost: 256, maxConnections: 10_000 } },
  })
  const port = Number(/\d+$/.exec(node.address ?? '')?.[0] ?? 0)
  return {
    target: { port },
    opened: () => node.peers().length,
    close: () => node.shutdown(),
  }
}

/**
 * @param {Target} target
 * @returns {Promise<Opened>}
 */
export function open({ port }) {
  return dialSession(port, nodeSuite.identity(randomBytes(32)))
}
