// The one machine of the three that others can reach. It carries what it cannot read.
import { Node } from '@flatend/node'

const node = await Node.start({ publicAddr: process.env.SERVER ?? '127.0.0.1:9000' })
console.log(`server: running at ${node.address}`)

setInterval(() => {
  const { reservations, circuits, bytes } = node.stats().relay
  console.log(`server: reached through here ${reservations}, circuits ${circuits}, bytes ${bytes}`)
}, 2_000).unref()
