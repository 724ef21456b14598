const { Node } = require('@flatend/node')
const fs = require('fs')

const main = async () => {
  await Node.start({
    addrs: [`127.0.0.1:${process.env.MESH_PORT || 9000}`],
    services: {
      file: (ctx) => fs.createReadStream(__filename).pipe(ctx),
    },
  })
}

main().catch((err) => console.error(err))
