// node:tls with certificates on both sides: what else gives a connection with two proven keys.
import { once } from 'node:events'
import tls from 'node:tls'
import { selfSigned } from '../lib/certificate.mjs'

/** @import { Opened, Served, Target } from '../lib/types.d.ts' */

// Session tickets would make the next connection a shorter one.
const OPTIONS = /** @type {const} */ ({
  minVersion: 'TLSv1.3',
  ecdhCurve: 'X25519',
  ciphers: 'TLS_AES_256_GCM_SHA384',
})

/**
 * Each side proves that it has its certificate's key; whose key that is, is for the caller to judge,
 * as in flatend.
 * @returns {Promise<Served>}
 */
export async function serve() {
  let opened = 0
  const server = tls.createServer(
    { ...OPTIONS, ...selfSigned('listener'), requestCert: true, rejectUnauthorized: false },
    (socket) => {
      if (socket.getPeerX509Certificate() === undefined) socket.destroy()
      else opened++
      socket.on('error', () => socket.destroy())
      socket.resume()
    },
  )
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 })
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    target: { port },
    opened: () => opened,
    close: async () => {
      server.close()
    },
  }
}

const own = selfSigned('dialer')
const context = tls.createSecureContext({ ...OPTIONS, ...own })

/**
 * @param {Target} target
 * @returns {Promise<Opened>}
 */
export async function open({ port }) {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    secureContext: context,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  socket.on('error', () => socket.destroy())
  socket.resume()
  return { close: () => socket.destroy() }
}
