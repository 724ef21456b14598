// k-bucket of npm, 20 contacts a bucket as it comes.
import KBucket from 'k-bucket'

/** @type {import('./worker.mjs').CreateTable} */
export function create(own) {
  const table = new KBucket({ localNodeId: own })
  return {
    insert: (id) => {
      table.add({ id, vectorClock: 0 })
    },
    closest: (target, count) => table.closest(target, count).map(({ id }) => id),
    ids: () => table.toArray().map(({ id }) => id),
  }
}
