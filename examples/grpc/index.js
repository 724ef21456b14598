import { fileURLToPath } from 'node:url'
import { GrpcError, grpcService, Node } from '@flatend/node'
import protobuf from 'protobufjs'

const port = process.env.MESH_PORT ?? 9000
const root = protobuf.loadSync(fileURLToPath(new URL('greeter.proto', import.meta.url)))
const [HelloRequest, CountRequest, HelloReply] = ['HelloRequest', 'CountRequest', 'HelloReply'].map(
  (name) => root.lookupType(`hello.${name}`),
)
const reply = (message) => HelloReply.encode({ message }).finish()

const INVALID_ARGUMENT = 3

const greeter = grpcService({
  '/hello.Greeter/SayHello': async (call) => {
    const { name } = HelloRequest.decode(await call.message())
    if (name === '') throw new GrpcError(INVALID_ARGUMENT, 'a name, please')
    return reply(`Hello ${name}`)
  },
  // Each `yield` waits until the client takes more; a client that leaves ends the loop.
  '/hello.Greeter/CountDown': async function* (call) {
    const { from } = CountRequest.decode(await call.message())
    for (let n = from; n > 0; n--) yield reply(String(n))
  },
  '/hello.Greeter/Chat': async (call) => {
    for await (const message of call.messages) {
      await call.send(reply(`${HelloRequest.decode(message).name}, you say?`))
    }
  },
})

await Node.start({ addrs: [`127.0.0.1:${port}`], services: { greeter } })
console.log('greeter: running. Ctrl+C stops it.')
