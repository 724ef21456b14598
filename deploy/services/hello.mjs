// A service of the containers. Joins through FLATEND_SEEDS, host:port with commas between.
import { Node } from '@flatend/node'

const node = await Node.start({
  addrs: (process.env.FLATEND_SEEDS ?? '127.0.0.1:9000').split(','),
  services: { hello: (ctx) => `Hello ${ctx.query.name ?? 'world'}!\n` },
})
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void node.shutdown())
