// Opens WebSockets to a gateway, sends one message over each, and holds them.

import { once } from 'node:events'
import net from 'node:net'
import { handle, ready } from '../lib/agent.mjs'

const HELLO = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')])
/** What comes back: the head of the answer, and the frame. */
const ANSWER = '\x81\x05hello'

/** @type {net.Socket[]} */
const held = []

/** @param {number} port */
async function openOne(port) {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `GET /socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
      'Origin: https://example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n\r\n',
  )
  let received = ''
  await new Promise((resolve, reject) => {
    const take = (/** @type {Buffer} */ chunk) => {
      const before = received.includes('\r\n\r\n')
      received += chunk.toString('latin1')
      if (received.includes(ANSWER)) resolve(socket.off('data', take))
      else if (!before && received.includes('\r\n\r\n')) {
        if (received.startsWith('HTTP/1.1 101')) socket.write(HELLO)
        else reject(new Error(received.slice(0, 200)))
      }
    }
    socket.on('data', take)
    socket.once('close', () => reject(new Error(`closed after: ${received.slice(0, 200)}`)))
  })
  held.push(socket)
}

handle(
  'open',
  async (
    /** @type {{ port: number, count: number, atOnce: number }} */ { port, count, atOnce },
  ) => {
    let left = count
    const one = async () => {
      while (left-- > 0) await openOne(port)
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    return held.length
  },
)

/** How many are still there. */
handle('open?', () => held.filter((socket) => !socket.destroyed && socket.readable).length)

ready()
