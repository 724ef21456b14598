// What npm ships as flatend@0.0.8.
import sdk from 'flatend-2020'
import { describe } from '../lib/describe.mjs'
import { freePort } from '../lib/ports.mjs'
import { pieces } from '../lib/sinks.mjs'

/** @import { Client, Served, Target } from '../lib/types.d.ts' */

/** @returns {Promise<Served>} */
export async function serve() {
  const port = await freePort()
  const node = await sdk.Node.start({
    publicAddr: `127.0.0.1:${port}`,
    bindAddrs: [`127.0.0.1:${port}`],
    secretKey: sdk.generateSecretKey(),
    services: {
      echo: (ctx) => {
        ctx.pipe(ctx)
      },
      sink: (ctx) => {
        let counted = 0
        ctx.on('data', (chunk) => {
          counted += chunk.length
        })
        ctx.once('end', () => ctx.send(String(counted)))
      },
    },
  })
  return { target: { port }, close: () => node.shutdown() }
}

/**
 * A node with an identity, that takes no connections: they are not what is measured.
 * @param {Target} target
 */
async function identified({ port }) {
  const own = await freePort()
  return await sdk.Node.start({
    bindAddrs: [`127.0.0.1:${own}`],
    secretKey: sdk.generateSecretKey(),
    addrs: [`127.0.0.1:${port}`],
  })
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect(target) {
  const node = await identified(target)
  return {
    call: (body, done) => {
      void echo(node, body, done)
    },
    send: async (sending) =>
      Number((await collect(node.push(['sink'], {}, pieces(sending)))).toString()),
    close: () => node.shutdown(),
  }
}

/** @param {Promise<any>} pushed */
async function collect(pushed) {
  const { body } = await pushed
  const chunks = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/**
 * @param {sdk.Node} node
 * @param {Buffer} body
 * @param {(length: number | Error) => void} done
 */
async function echo(node, body, done) {
  /** @type {number | Error} */
  let result
  try {
    result = (await collect(node.push(['echo'], {}, one(body)))).length
  } catch (error) {
    result = new Error(describe(error))
  }
  done(result)
}

/** @param {Buffer} body */
async function* one(body) {
  yield body
}

/**
 * One connection, dialed by a node of its own: a 2020 node keeps one connection an address.
 * @param {Target} target
 * @returns {Promise<import('../lib/types.d.ts').Opened>}
 */
export async function open({ port }) {
  const node = new sdk.Node()
  const secretKey = sdk.generateSecretKey()
  // An Ed25519 secret key in the SDK's form ends with its public key.
  const publicKey = secretKey.subarray(32)
  node.keys = { publicKey, secretKey }
  node.id = new sdk.ID(publicKey, sdk.splitHostPort(`127.0.0.1:${port}`).host, port)
  const { sock } = await node.connect({ host: '127.0.0.1', port })
  return {
    close: () => {
      // A node that was not shut down dials again, 500 ms after the connection's end.
      node.shutdown().catch(() => sock.destroy())
    },
  }
}
