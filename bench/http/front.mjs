// An HTTP server that says hello: `front.mjs KIND`, which is
//   node      node:http
//   uws       uWebSockets.js
//   uws-gcm   uWebSockets.js that makes one call over raw-gcm for every request: the ceiling of a
//             gateway whose function runs in another process
import { once } from 'node:events'
import http from 'node:http'
import { handle, ready } from '../lib/agent.mjs'
import { connect } from '../systems/raw-gcm.mjs'
import { loadUws } from './uws.mjs'

/** @import { Target } from '../lib/types.d.ts' */

const HELLO = 'Hello world!'

async function node() {
  const server = http.createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.end(HELLO)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

/** @param {(respond: () => void) => void} run - calls back once the response may be sent */
async function uws(run) {
  const { App, us_socket_local_port: portOf } = await loadUws()
  return new Promise((resolve, reject) => {
    App()
      .get('/hello', (response) => {
        let gone = false
        response.onAborted(() => {
          gone = true
        })
        run(() => {
          if (gone) return
          response.cork(() => {
            response.writeHeader('content-type', 'text/plain; charset=utf-8').end(HELLO)
          })
        })
      })
      .listen('127.0.0.1', 0, (socket) => {
        if (socket) resolve(portOf(socket))
        else reject(new Error('uWebSockets.js cannot listen'))
      })
  })
}

/** @param {Target} target */
async function uwsGcm(target) {
  const client = await connect(target)
  const request = Buffer.alloc(64, 0x61)
  return uws((respond) => client.call(request, respond))
}

handle('listen', (/** @type {{ kind: string, target: Target }} */ { kind, target }) => {
  if (kind === 'node') return node()
  if (kind === 'uws') return uws((respond) => respond())
  return uwsGcm(target)
})

ready()
