import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Address } from '../transport.ts'

/** How long a stranger may take to say something, in milliseconds. */
const PATIENCE = 1_500
const KEY_LENGTH = 32
const OFFER_BIT = 0x80

/** The first line of what answers HTTP there; nothing where nothing does. */
export async function httpAnswer(address: Address): Promise<string | undefined> {
  const said = await answerTo(address, Buffer.from('GET / HTTP/1.0\r\n\r\n'))
  const [line = ''] = said.toString('latin1').split('\r\n')
  return line.startsWith('HTTP/') ? line : undefined
}

/** Whether a node takes sessions of the protocol of 2020: it answers a key that does not offer ours. */
export async function takesLegacy(address: Address): Promise<boolean> {
  const key = randomBytes(KEY_LENGTH)
  key[KEY_LENGTH - 1] = (key[KEY_LENGTH - 1] as number) & ~OFFER_BIT
  const said = await answerTo(address, key)
  return said.length >= KEY_LENGTH && ((said[KEY_LENGTH - 1] as number) & OFFER_BIT) === 0
}

/** The first bytes that come back, at most one packet; none where there is no answer. */
function answerTo({ host, port }: Address, question: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (said: Buffer): void => {
      socket.destroy()
      resolve(said)
    }
    socket.setTimeout(PATIENCE, () => end(Buffer.alloc(0)))
    socket.once('connect', () => socket.write(question))
    socket.once('data', end)
    socket.on('error', () => end(Buffer.alloc(0)))
    socket.once('close', () => end(Buffer.alloc(0)))
  })
}
