// What hyperdht's services speak, over TCP instead of UDP: protomux-rpc in @hyperswarm/secret-stream
// (Noise XX, both sides' Ed25519 keys, then libsodium's secretstream).
import { once } from 'node:events'
import net from 'node:net'
import SecretStream from '@hyperswarm/secret-stream'
import ProtomuxRPC from 'protomux-rpc'
import { tell } from '../lib/tell.mjs'

/** @import { Client, Opened, Sending, Served, Target } from '../lib/types.d.ts' */

const keyPair = SecretStream.keyPair()

/** @returns {Promise<Served>} */
export async function serve() {
  let opened = 0
  const server = net.createServer({ noDelay: true }, (socket) => {
    const stream = new SecretStream(false, socket, { keyPair })
    stream.on('error', () => socket.destroy())
    stream.once('connect', () => {
      opened++
      const rpc = new ProtomuxRPC(stream)
      let counted = 0
      rpc.respond('echo', (body) => body)
      rpc.respond('piece', (body) => {
        counted += body?.length ?? 0
        return null
      })
      rpc.respond('counted', () => {
        const answer = Buffer.from(String(counted))
        counted = 0
        return answer
      })
    })
  })
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 })
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return {
    target: { port },
    opened: () => opened,
    close: async () => {
      server.close()
    },
  }
}

/** @param {Target} target */
async function dial({ port }) {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  const stream = new SecretStream(true, socket, { keyPair })
  stream.on('error', () => socket.destroy())
  if (!(await stream.opened)) throw new Error('closed during the handshake')
  return stream
}

/**
 * @param {Target} target
 * @returns {Promise<Opened>}
 */
export async function open(target) {
  const stream = await dial(target)
  stream.resume()
  return { close: () => stream.destroy() }
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect(target) {
  const rpc = new ProtomuxRPC(await dial(target))
  await rpc.fullyOpened()
  return {
    call: (body, done) => {
      void tell(echo(rpc, body), done)
    },
    send: (sending) => events(rpc, sending),
    close: async () => rpc.destroy(),
  }
}

/**
 * @param {ProtomuxRPC} rpc
 * @param {Buffer} body
 */
async function echo(rpc, body) {
  return (await rpc.request('echo', body))?.length ?? 0
}

/**
 * It has no bodies: a piece is an event, held back while the stream below is full.
 * @param {ProtomuxRPC} rpc
 * @param {Sending} sending
 */
async function events(rpc, { total, chunk, onSent }) {
  for (let sent = 0; sent < total; sent += chunk.length) {
    onSent(chunk.length)
    rpc.event('piece', chunk)
    if (!rpc.mux.drained) await once(rpc.stream, 'drain')
  }
  return Number((await rpc.request('counted', null))?.toString())
}
