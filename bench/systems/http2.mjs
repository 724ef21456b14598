// node:http2 over TLS 1.3, its defaults: one session, a stream per call.
import { once } from 'node:events'
import http2 from 'node:http2'
import { selfSigned } from '../lib/certificate.mjs'
import { count, Sinks, writeAll } from '../lib/sinks.mjs'

/** @import { Client, Served, Target } from '../lib/types.d.ts' */

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = http2.constants

const sinks = new Sinks()

/** @type {Record<string, (stream: http2.ServerHttp2Stream) => void>} */
const handlers = {
  '/echo': (stream) => {
    /** @type {Buffer[]} */
    const parts = []
    stream.on('data', (/** @type {Buffer} */ part) => parts.push(part))
    stream.on('end', () => {
      stream.respond()
      stream.end(parts.length === 1 ? parts[0] : Buffer.concat(parts))
    })
  },
  '/sink': (stream) => {
    count(stream, (counted) => stream.end(String(counted)))
  },
  '/slow': (stream) => {
    sinks.slow(stream).catch(() => stream.close())
  },
  '/never': () => undefined,
}

/** @returns {Promise<Served>} */
export async function serve() {
  const identity = selfSigned('localhost')
  const server = http2.createSecureServer({ ...identity, minVersion: 'TLSv1.3' })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.close())
    handlers[String(headers[HTTP2_HEADER_PATH])]?.(stream)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    target: { port, ca: identity.cert },
    consumed: () => sinks.consumed,
    close: async () => {
      server.close()
    },
  }
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect({ port, ca }) {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca: String(ca) })
  await once(session, 'connect')
  const post = (/** @type {string} */ path) =>
    session.request({ [HTTP2_HEADER_METHOD]: 'POST', [HTTP2_HEADER_PATH]: path })
  return {
    call: (body, done) => {
      const stream = post('/echo')
      count(stream, done)
      stream.once('error', done)
      stream.end(body)
    },
    send: async (sending) => {
      const stream = post(`/${sending.sink}`)
      await writeAll(stream, sending)
      return Number(Buffer.concat(await stream.toArray()).toString())
    },
    close: async () => {
      session.close()
    },
  }
}
