import { setTimeout as sleep } from 'node:timers/promises'
import { Node } from '@flatend/node'

const mesh = `127.0.0.1:${process.env.MESH_PORT ?? 9000}`
const joins = process.argv[2] === 'join'
const time = () => new Date().toISOString().slice(11, 23)

const node = await Node.start({
  // The first clock listens where the others find it; each of these listens on a port of its own.
  bindAddrs: [joins ? '127.0.0.1:0' : mesh],
  addrs: joins ? [mesh] : [],
  services: {
    clock: async (ctx) => {
      const theirs = await ctx.body()
      const ours = time()
      console.log(`asked at ${theirs}, answered ${ours}`)
      return ours
    },
  },
})
console.log(`clock: running at ${node.address}. Ctrl+C stops it.`)

for (;;) {
  await sleep(1_000)
  for (const clock of node.providersFor(['clock'])) {
    try {
      const reply = await clock.call('clock', time())
      console.log(`${clock.addr} says it is ${await reply.text()}`)
    } catch (error) {
      console.error(`${clock.addr} did not say: ${error.message}`)
    }
  }
}
