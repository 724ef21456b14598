// What both rows of Moleculer share: two brokers over its TCP transporter, addresses known beforehand.
// Bodies are strings: its JSON serializer makes a list of numbers of a Buffer.
import { once } from 'node:events'
import { Readable } from 'node:stream'
import moleculer from 'moleculer'
import { freePort } from '../lib/ports.mjs'
import { pieces } from '../lib/sinks.mjs'
import { tell } from '../lib/tell.mjs'

/** @import { Client, Served, Target } from '../lib/types.d.ts' */

/**
 * @param {string} nodeID
 * @param {{ port: number, urls: string[], middlewares: moleculer.Middleware[] }} options
 */
function broker(nodeID, { port, urls, middlewares }) {
  return new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    requestTimeout: 0,
    middlewares,
    transporter: { type: 'TCP', options: { udpDiscovery: false, port, urls } },
  })
}

/** @param {() => moleculer.Middleware[]} middlewares */
export function brokers(middlewares) {
  return {
    serve: () => serve(middlewares()),
    connect: (/** @type {Target} */ target) => connect(target, middlewares()),
  }
}

/**
 * @param {moleculer.Middleware[]} middlewares
 * @returns {Promise<Served>}
 */
async function serve(middlewares) {
  const port = await freePort()
  const caller = await freePort()
  const urls = [`127.0.0.1:${port}/server`, `127.0.0.1:${caller}/client`]
  const node = broker('server', { port, urls, middlewares })
  node.createService({
    name: 'bench',
    actions: {
      echo: (ctx) => ctx.params.body,
      sink: async ({ params: body }) => {
        let counted = 0
        body.on('data', (/** @type {Buffer} */ chunk) => {
          counted += chunk.length
        })
        await once(body, 'end')
        return counted
      },
    },
  })
  await node.start()
  return { target: { port, caller, urls }, close: () => node.stop() }
}

/**
 * @param {Target} target
 * @param {moleculer.Middleware[]} middlewares
 * @returns {Promise<Client>}
 */
async function connect({ caller, urls }, middlewares) {
  const node = broker('client', {
    port: Number(caller),
    urls: /** @type {string[]} */ (urls),
    middlewares,
  })
  await node.start()
  await node.waitForServices('bench', 15_000)
  return {
    call: (body, done) => {
      void tell(echo(node, body), done)
    },
    send: (sending) => node.call('bench.sink', Readable.from(pieces(sending))),
    close: () => node.stop(),
  }
}

/**
 * @param {moleculer.ServiceBroker} node
 * @param {Buffer} body
 */
async function echo(node, body) {
  return String(await node.call('bench.echo', { body: body.toString('latin1') })).length
}
