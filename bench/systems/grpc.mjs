// @grpc/grpc-js over TLS. Bodies are bytes as they are: what protobuf would cost comes on top.
import grpc from '@grpc/grpc-js'
import { selfSigned } from '../lib/certificate.mjs'
import { count, Sinks, writeAll } from '../lib/sinks.mjs'

/** @import { Client, Served, Target } from '../lib/types.d.ts' */

/** @param {Buffer} bytes */
const same = (bytes) => bytes
const codec = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
}
const method = (/** @type {string} */ name, /** @type {boolean} */ requestStream) => ({
  path: `/Bench/${name}`,
  requestStream,
  responseStream: false,
  ...codec,
})
const service = {
  echo: method('echo', false),
  sink: method('sink', true),
  slow: method('slow', true),
  never: method('never', true),
}

const sinks = new Sinks()

/** @returns {Promise<Served>} */
export async function serve() {
  const { cert, key } = selfSigned('localhost')
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
  const server = new grpc.Server()
  server.addService(service, {
    echo: (
      /** @type {grpc.ServerUnaryCall<Buffer, Buffer>} */ call,
      /** @type {grpc.sendUnaryData<Buffer>} */ reply,
    ) => reply(null, call.request),
    sink: (
      /** @type {grpc.ServerReadableStream<Buffer, Buffer>} */ call,
      /** @type {grpc.sendUnaryData<Buffer>} */ reply,
    ) => count(call, (counted) => reply(null, Buffer.from(String(counted)))),
    slow: (/** @type {grpc.ServerReadableStream<Buffer, Buffer>} */ call) => {
      sinks.slow(call).catch(() => undefined)
    },
    never: () => undefined,
  })
  const credentials = grpc.ServerCredentials.createSsl(null, [pair])
  /** @type {number} */
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error) reject(error)
      else resolve(bound)
    })
  })
  return {
    target: { port, ca: cert },
    consumed: () => sinks.consumed,
    close: async () => server.forceShutdown(),
  }
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect({ port, ca }) {
  const credentials = grpc.credentials.createSsl(Buffer.from(String(ca)))
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials)
  await new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve(null)))
  })
  return {
    call: (body, done) => {
      client.makeUnaryRequest(service.echo.path, same, same, body, (error, answer) =>
        done(error ?? answer?.length ?? 0),
      )
    },
    send: (sending) =>
      new Promise((resolve, reject) => {
        const { path } = service[sending.sink]
        const call = client.makeClientStreamRequest(path, same, same, (error, answer) => {
          if (error) reject(error)
          else resolve(Number(answer?.toString()))
        })
        writeAll(call, sending).catch(reject)
      }),
    close: async () => client.close(),
  }
}
