// On the second laptop, which nobody can dial either.
import { createHash, randomBytes } from 'node:crypto'
import { Node } from '@flatend/node'

const node = await Node.start({ addrs: [process.env.SERVER ?? '127.0.0.1:9000'] })
while ((await node.resolve('greet')).length === 0) {
  await new Promise((resolve) => setTimeout(resolve, 200))
}

console.log(`call: ${await (await node.call('greet', 'Ada')).text()}`)

const sent = randomBytes(4_000_000)
const received = await (await node.call('echo', sent)).bytes()
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
console.log(`call: 4 MB there and back, ${digest(sent) === digest(received) ? 'intact' : 'BROKEN'}`)

for (const peer of node.peers()) {
  console.log(`call: connected to ${peer.id} ${peer.relayed ? 'through a relay' : 'directly'}`)
}
await node.shutdown()
