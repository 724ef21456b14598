import { createInterface } from 'node:readline'
import { Node } from '@flatend/node'

const [name = 'somebody', join] = process.argv.slice(2)
const mesh = `127.0.0.1:${process.env.MESH_PORT ?? 9000}`

const node = await Node.start({
  bindAddrs: [join ? '127.0.0.1:0' : mesh],
  addrs: join ? [mesh] : [],
  services: {
    chat: async (ctx) => {
      const line = await ctx.body({ limit: 4_096 })
      // A name is anybody's claim; the key behind it is proven.
      const key = ctx.id.toString().slice(0, 8)
      console.log(printable(`${ctx.headers.name} (${key}): ${line}`))
    },
  },
})
console.log(`chat: ${name} is ${node.id.toString().slice(0, 8)}. Type a line; Ctrl+D leaves.`)

for await (const line of createInterface({ input: process.stdin })) {
  const others = node.providersFor(['chat'])
  await Promise.all(others.map((other) => tell(other, line)))
}
await node.shutdown()

async function tell(other, line) {
  try {
    await other.call('chat', line, { headers: { name }, timeoutMs: 5_000 })
  } catch (error) {
    console.error(`${other.addr} did not get it: ${error.message}`)
  }
}

/** What others write must not move the cursor or recolour the terminal. */
function printable(text) {
  return text.replaceAll(/\p{Cc}/gu, ' ')
}
