// Our table, 16 contacts a bucket and the 32 nearest to itself, with its replacement caches.
import { RoutingTable } from '@flatend/kademlia'

const address = { host: '10.0.0.1', port: 9_000 }

/** @type {import('./worker.mjs').CreateTable} */
export function create(own) {
  const table = new RoutingTable(own)
  return {
    insert: (id) => {
      table.seen({ key: id, address, capabilities: 1 })
    },
    closest: (target, count) => table.closest(target, count).map(({ key }) => key),
    ids: () => table.contacts().map(({ key }) => key),
  }
}
