import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSecretKey, Node } from '@flatend/node'

const node = await Node.start({
  secretKey: generateSecretKey(),
  bindAddrs: ['127.0.0.1:0'],
  addrs: [`127.0.0.1:${process.env.MESH_PORT ?? 9000}`],
  services: {
    node: (ctx) => createReadStream(import.meta.filename).pipe(ctx),
  },
})
console.log(`node: ${node.id.toString()} listens at ${node.address}. Ctrl+C stops it.`)

for (;;) {
  await sleep(1_000)
  try {
    const reply = await node.call('bootstrap')
    let bytes = 0
    for await (const chunk of reply.body) bytes += chunk.length
    console.log(`got ${bytes} bytes from "bootstrap"`)
  } catch (error) {
    console.error(error.message)
  }
}
