// Peers that are Node programs: `ask('listen', { kind, … })` starts one.
//   fastify           fastify with @fastify/http-proxy in front of `upstream`
//   moleculer-web     a broker whose gateway calls another broker
//   moleculer-hello   that other broker
//   hello-2020        flatend 2020's Node SDK, joined to its Go gateway
// Each loads what it needs and nothing else: cold starts are measured too.
import { handle, ready } from '../lib/agent.mjs'
import { freePort } from '../lib/ports.mjs'

/**
 * @typedef {object} Order
 * @property {string} kind
 * @property {number} [upstream] - port of what is proxied, or of a mesh
 * @property {number} [port]
 * @property {readonly string[]} [urls] - both brokers
 */

const HELLO = 'Hello world!'

/** @param {Order} order */
async function fastifyProxy({ upstream }) {
  const { default: proxy } = await import('@fastify/http-proxy')
  const { default: fastify } = await import('fastify')
  const app = fastify()
  await app.register(proxy, { upstream: `http://127.0.0.1:${upstream}` })
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
}

/**
 * @param {string} nodeID
 * @param {Order} order
 */
async function broker(nodeID, { port = 0, urls = [] }) {
  const { default: moleculer } = await import('moleculer')
  const options = { udpDiscovery: false, port, urls: [...urls] }
  return new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options },
  })
}

/** @param {Order} order */
async function moleculerWeb(order) {
  const { default: ApiGateway } = await import('moleculer-web')
  const port = await freePort()
  const node = await broker('gateway', order)
  node.createService({
    name: 'api',
    mixins: [ApiGateway],
    settings: {
      ip: '127.0.0.1',
      port,
      routes: [{ path: '/', aliases: { 'GET /hello': 'bench.hello' } }],
    },
  })
  await node.start()
  return port
}

/** @param {Order} order */
async function moleculerHello(order) {
  const node = await broker('hello', order)
  node.createService({
    name: 'bench',
    actions: {
      hello: (ctx) => {
        ctx.meta.$responseType = 'text/plain; charset=utf-8'
        return HELLO
      },
    },
  })
  await node.start()
  return 0
}

/** @param {Order} order */
async function hello2020({ upstream }) {
  const { default: sdk } = await import('flatend-2020')
  await sdk.Node.start({
    addrs: [`127.0.0.1:${upstream}`],
    services: { hello: (ctx) => ctx.send(HELLO) },
  })
  return 0
}

/** @type {Record<string, (order: Order) => Promise<number>>} */
const KINDS = {
  fastify: fastifyProxy,
  'moleculer-web': moleculerWeb,
  'moleculer-hello': moleculerHello,
  'hello-2020': hello2020,
}

handle('listen', (/** @type {Order} */ order) => KINDS[order.kind]?.(order))

ready()
