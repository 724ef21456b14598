// Moves large bodies through a gateway and counts them.

import { once } from 'node:events'
import http from 'node:http'
import { handle, ready } from '../lib/agent.mjs'

const CHUNK = Buffer.alloc(65_536, 0x61)
const agent = new http.Agent({ keepAlive: true })

/** @param {http.IncomingMessage} response */
async function counted(response) {
  let bytes = 0
  response.on('data', (/** @type {Buffer} */ chunk) => {
    bytes += chunk.length
  })
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
  return bytes
}

/**
 * @param {string} url
 * @param {number} bytes
 */
async function down(url, bytes) {
  const request = http.get(`${url}/download/${bytes}`, { agent })
  const [response] = await once(request, 'response')
  return await counted(response)
}

/**
 * @param {string} url
 * @param {number} bytes
 * @returns {Promise<number>} what the service says that it counted
 */
async function up(url, bytes) {
  const request = http.request(`${url}/sink`, { agent, method: 'POST' })
  const answered = once(request, 'response')
  // An answer that comes early (an error) is seen below; until then nobody listens to this promise.
  answered.catch(() => undefined)
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (!request.write(CHUNK)) await Promise.race([once(request, 'drain'), answered])
    if (request.destroyed) break
  }
  request.end()
  const [response] = await answered
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (/** @type {string} */ piece) => {
    text += piece
  })
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${text}`)
  return Number(text)
}

handle(
  'move',
  async (/** @type {{ url: string, direction: 'up' | 'down', bytes: number }} */ order) => {
    const start = performance.now()
    const move = order.direction === 'up' ? up : down
    const bytes = await move(order.url, order.bytes)
    if (bytes !== order.bytes) throw new Error(`${bytes} bytes arrived of ${order.bytes}`)
    return performance.now() - start
  },
)

ready()
