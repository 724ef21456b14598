import { CustomNode } from './node.js'

const [service = 'hello', text = ''] = process.argv.slice(2)
const node = await CustomNode.start({ seeds: [`127.0.0.1:${process.env.MESH_PORT ?? 9000}`] })

try {
  console.log(await node.call(service, text))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  node.stop()
}
