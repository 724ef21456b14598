import { Node } from '@flatend/node'

const port = process.env.MESH_PORT ?? 9000

await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: { hello: () => 'Hello world!' },
})
console.log('hello: running. Ctrl+C stops it.')
