// The table of npm's flatend@0.0.8, 16 contacts a bucket.
import sdk from 'flatend-2020'

const { host } = sdk.splitHostPort('127.0.0.1:1')

/** @type {import('./worker.mjs').CreateTable} */
export function create(own) {
  const table = new sdk.Table(own)
  return {
    insert: (id) => {
      table.update(new sdk.ID(id, host, 1))
    },
    closest: (target, count) => table.closestTo(target, count).map(({ publicKey }) => publicKey),
    ids: () => table.buckets.flat().map(({ publicKey }) => publicKey),
  }
}
