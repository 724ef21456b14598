// A client like any other: it knows gRPC, and nothing of flatend.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import protobuf from 'protobufjs'

const port = process.env.PORT ?? 3000
const root = protobuf.loadSync(fileURLToPath(new URL('greeter.proto', import.meta.url)))
const client = new Client(`localhost:${port}`, credentials.createSsl(readFileSync('cert.pem')))

/** Path, encoder and decoder of a method. */
function method(name) {
  const { requestType, responseType } = root.lookupService('hello.Greeter').methods[name]
  const [request, response] = [requestType, responseType].map((type) =>
    root.lookupType(`hello.${type}`),
  )
  return [
    `/hello.Greeter/${name}`,
    (message) => Buffer.from(request.encode(message).finish()),
    (bytes) => response.decode(bytes).message,
  ]
}

const say = (name) =>
  new Promise((resolve) => {
    const done = (error, message) => resolve(error ? `${error.code}: ${error.details}` : message)
    client.makeUnaryRequest(...method('SayHello'), { name }, done)
  })

console.log(await say('Ada'))
console.log(await say(''))

const numbers = []
for await (const n of client.makeServerStreamRequest(...method('CountDown'), { from: 3 }))
  numbers.push(n)
console.log(numbers.join(' '))

const chat = client.makeBidiStreamRequest(...method('Chat'))
chat.write({ name: 'hi' })
for await (const message of chat) {
  console.log(message)
  chat.end()
}
client.close()
