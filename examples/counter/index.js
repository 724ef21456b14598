import { Node } from '@flatend/node'

const port = process.env.MESH_PORT ?? 9000
let count = 0

const node = await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: { count: () => String(count++) },
})
console.log('count: running. Ctrl+C stops it.')

// Lets the calls that are under way finish, and callers ask somebody else from now on.
const stop = () => node.shutdown()
process.once('SIGINT', stop).once('SIGTERM', stop)
