import { CustomNode } from './node.js'

const node = await CustomNode.start({
  port: Number(process.env.MESH_PORT ?? 9000),
  services: { hello: (name) => `Hello, ${name || 'world'}!` },
})
console.log(`hello: running at ${node.address}. Ctrl+C stops it.`)
