import { createDiscovery } from '@flatend/kademlia'
import { nodeSuite } from '@flatend/monte/suite/node'
import { dialTcp, listenTcp } from '@flatend/monte/tcp'
import { callUnary, createCaller, serveUnary } from '@flatend/rpc'
import { clock } from './clock.js'
import { Peer } from './peer.js'

/**
 * A node of the mesh, put together by hand. monte carries messages, kademlia finds who is there, rpc
 * calls; none of them knows another, and each may be exchanged.
 */
export class CustomNode {
  // What every peer is made with; see peer.js.
  clock = clock
  session
  discovery
  offers
  dispatch
  #caller
  #listener
  #peers = new Set()

  /** Listens, joins through `seeds` and offers `services`: functions from text to text. */
  static async start({ port = 0, seeds = [], services = {} }) {
    const node = new CustomNode()
    node.#listener = await listenTcp({
      host: '127.0.0.1',
      port,
      onLink: (link) => void node.#connect({ link, role: 'listener' }).catch(() => undefined),
    })
    node.#assemble(node.#listener.address, seeds, new Map(Object.entries(services)))
    node.discovery.start()
    await node.discovery.ready
    return node
  }

  get address() {
    const { host, port } = this.session.hello.address
    return `${host}:${port}`
  }

  /** Calls a service of any node, the least busy of two. */
  async call(service, text) {
    const body = Buffer.from(text)
    const reply = await callUnary(this.#caller, { services: [service], headers: [], body })
    if (reply.status >= 400) throw new Error(`${service} answered with status ${reply.status}`)
    return Buffer.from(reply.body).toString()
  }

  /** Takes nobody in any more and says goodbye to everybody. */
  stop() {
    this.#listener.close()
    this.discovery.stop()
    for (const peer of this.#peers) peer.close('stopping')
  }

  #assemble(address, seeds, handlers) {
    const identity = nodeSuite.identity(nodeSuite.randomBytes(32))
    const services = [...handlers.keys()]
    const instance = Math.floor(Math.random() * 2 ** 32)

    this.session = {
      suite: nodeSuite,
      identity,
      clock,
      hello: { address, services, instance, ephemeral: true },
      // What is sent in one tick shares a packet.
      defer: (task) => queueMicrotask(() => process.nextTick(task)),
    }
    this.discovery = createDiscovery({
      self: { key: identity.publicKey, address },
      services,
      seeds,
      network: { connect: (target, { signal }) => this.#dial(target, signal) },
      clock,
      random: Math.random,
    })
    this.offers = (service) => handlers.has(service)
    this.dispatch = serveUnary(async ({ service, body }) => {
      const text = await handlers.get(service)(Buffer.from(body).toString())
      return { status: 200, headers: [], body: Buffer.from(text) }
    })
    this.#caller = createCaller({
      directory: { providers: (names) => names.flatMap((name) => this.#connectionsTo(name)) },
      random: Math.random,
    })
  }

  #connectionsTo(service) {
    return this.discovery.providers(service).map(({ connection }) => connection)
  }

  async #dial({ address, key }, signal) {
    const { hostname, port } = new URL(`tcp://${address}`)
    const host = hostname.replace(/^\[|\]$/g, '')
    const link = await dialTcp({ host, port: Number(port), signal })
    return await this.#connect({ link, role: 'dialer', dialed: address, key })
  }

  #connect(options) {
    const peer = new Peer(this, { ...options, onClose: () => this.#peers.delete(peer) })
    this.#peers.add(peer)
    return peer.opened
  }
}
