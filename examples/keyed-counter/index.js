import { Node } from '@flatend/node'

const port = process.env.MESH_PORT ?? 9000
const rooms = new Map() // state in a plain variable: each room lives in one process

const node = await Node.start({
  publicAddr: '127.0.0.1:0',
  addrs: [`127.0.0.1:${port}`],
  services: {
    room: (ctx) => {
      const { id } = ctx.params
      rooms.set(id, (rooms.get(id) ?? 0) + 1)
      return { room: id, visits: rooms.get(id), process: node.id.toString().slice(0, 8) }
    },
  },
})
console.log(`room: running as ${node.id.toString().slice(0, 8)}. Ctrl+C stops it.`)

process.once('SIGTERM', () => void node.shutdown())
