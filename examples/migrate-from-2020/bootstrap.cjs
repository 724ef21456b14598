const { Node, generateSecretKey } = require('@flatend/node')
const { Readable } = require('stream')
const fs = require('fs')

const address = `127.0.0.1:${process.env.MESH_PORT || 9000}`

const main = async () => {
  const node = await Node.start({
    secretKey: generateSecretKey(),
    bindAddrs: [address],
    services: {
      bootstrap: (ctx) => fs.createReadStream(__filename).pipe(ctx),
    },
  })

  setInterval(async () => {
    try {
      const stream = await node.push(['node'], {}, Readable.from([]))
      let size = 0
      for await (const data of stream.body) size += data.byteLength
      console.log(`received ${size} byte(s) from "node"`)
    } catch (err) {
      console.error(err.message)
    }
  }, 1000)
}

main().catch((err) => console.error(err))
