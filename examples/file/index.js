import { createReadStream } from 'node:fs'
import { Node } from '@flatend/node'

const port = process.env.MESH_PORT ?? 9000
const file = process.argv[2] ?? import.meta.filename

await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: { file: (ctx) => createReadStream(file).pipe(ctx) },
})
console.log(`file: serving ${file}. Ctrl+C stops it.`)
