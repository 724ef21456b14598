// kademlia-routing-table of npm, the table of dht-rpc and hyperdht, 20 contacts a bucket as it comes.
import KademliaTable from 'kademlia-routing-table'

/** @type {import('../table/worker.mjs').CreateTable} */
export function create(own) {
  const table = new KademliaTable(own)
  return {
    insert: (id) => {
      table.add({ id })
    },
    closest: (target, count) => table.closest(target, count).map(({ id }) => id),
    ids: () => table.toArray().map(({ id }) => id),
  }
}
