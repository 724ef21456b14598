import { createInterface } from 'node:readline'
import { dialTcp } from '@flatend/monte/tcp'
import { SAY, secure } from './secure.js'

const port = Number(process.env.PORT ?? 7000)
const [key] = process.argv.slice(2)
const text = new TextDecoder()

const link = await dialTcp({ host: '127.0.0.1', port })
const channel = secure({
  link,
  role: 'dialer',
  // Whoever knows whom it dials pins the key: anybody else is refused before a word is said.
  expectedKey: key && Buffer.from(key, 'hex'),
  receiver: {
    onOpen: talk,
    onMessage() {},
    onDrain() {},
    onClose(error) {
      if (error) console.error(`refused or lost: ${error.message}`)
      process.exit(error ? 1 : 0)
    },
  },
})

async function talk() {
  console.log('secure. Type a line; Ctrl+D leaves.')
  for await (const line of createInterface({ input: process.stdin })) console.log(await ask(line))
  channel.close()
}

function ask(line) {
  return new Promise((resolve) => {
    channel.request(
      SAY,
      (writer) => writer.bytes(Buffer.from(line)),
      (status, body) => resolve(body ? text.decode(body.rest()) : `no answer (${status})`),
    )
  })
}
