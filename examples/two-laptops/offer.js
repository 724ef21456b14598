// On the first laptop: nobody can dial it, and it knows nothing but the server.
import { Node } from '@flatend/node'

await Node.start({
  addrs: [process.env.SERVER ?? '127.0.0.1:9000'],
  services: {
    greet: async (ctx) => `Hello ${(await ctx.body()).toString()}, from a laptop!`,
    echo: (ctx) => ctx.pipe(ctx),
  },
})
console.log('offer: running')
