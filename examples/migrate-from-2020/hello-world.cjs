const { Node } = require('@flatend/node')

const helloWorld = (ctx) => ctx.send('Hello world!')

const main = async () => {
  await Node.start({
    addrs: [`127.0.0.1:${process.env.MESH_PORT || 9000}`],
    services: {
      hello_world: helloWorld,
    },
  })
}

main().catch((err) => console.error(err))
