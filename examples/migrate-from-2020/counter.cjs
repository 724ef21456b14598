const { Node } = require('@flatend/node')

let counter = 0

const count = (ctx) => ctx.send(String(counter++))

const main = async () => {
  await Node.start({
    addrs: [`127.0.0.1:${process.env.MESH_PORT || 9000}`],
    services: {
      count,
    },
  })
}

main().catch((err) => console.error(err))
