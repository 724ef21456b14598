import { listenTcp } from '@flatend/monte/tcp'
import { ownKey, SAY, secure } from './secure.js'

const port = Number(process.env.PORT ?? 7000)
const text = new TextDecoder()

await listenTcp({ host: '127.0.0.1', port, onLink: answer, onError: console.error })
console.log(`listening at 127.0.0.1:${port} with the key ${ownKey}`)

function answer(link) {
  const channel = secure({
    link,
    role: 'listener',
    receiver: {
      onOpen: (peer) => console.log(`${short(peer)} is here`),
      onMessage(seq, opcode, body) {
        if (opcode !== SAY) return
        const said = text.decode(body.rest())
        console.log(`${short(channel.peer)} says: ${said}`)
        channel.reply(seq, 0, (writer) => writer.bytes(Buffer.from(said.toUpperCase())))
      },
      onDrain() {},
      onClose: (error) => console.log(error ? `lost: ${error.message}` : 'closed'),
    },
  })
}

function short({ publicKey }) {
  return Buffer.from(publicKey).toString('hex').slice(0, 8)
}
