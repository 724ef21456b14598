import { Peer } from '@flatend/example-custom-node/peer.js'
import { createDiscovery } from '@flatend/kademlia'
import { stablelibSuite } from '@flatend/monte/suite/stablelib'
import { dialWebSocket } from '@flatend/monte/websocket'
import { callUnary, createCaller, serveUnary } from '@flatend/rpc'

/** All that may be under way on one connection by rpc's own rules. */
const CONNECTION_CREDIT = 4_194_304

const clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(() => callback(), delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * A node of the mesh in a browser's tab: that of ../custom-node with another transport and another
 * suite. It listens nowhere and has no address; it is called over the connections it makes.
 */
export class TabNode {
  // What every peer is made with; see ../custom-node/peer.js.
  clock = clock
  session
  discovery
  offers
  dispatch
  #caller
  #peers = new Set()

  /**
   * Joins through `seed`, for ever, and offers `services`: functions from bytes to bytes or text.
   * `log` hears who comes and goes, and why a dial failed.
   */
  constructor({ seed, services = {}, log = () => {} }) {
    const identity = stablelibSuite.identity(stablelibSuite.randomBytes(32))
    const names = Object.keys(services)
    const instance = crypto.getRandomValues(new Uint32Array(1))[0]

    this.session = {
      suite: stablelibSuite,
      identity,
      clock,
      hello: { services: names, instance, ephemeral: true },
      // What is sent in one turn shares a packet.
      defer: (task) => queueMicrotask(task),
    }
    this.discovery = createDiscovery({
      self: { key: identity.publicKey },
      services: names,
      seeds: [seed],
      network: { connect: (target, { signal }) => this.#dial(target, signal) },
      // Nobody but the seed: nodes tell each other addresses of TCP, which a page cannot dial.
      limits: { maxDialers: 0 },
      clock,
      random: Math.random,
      log,
    })
    this.offers = (name) => names.includes(name)
    this.dispatch = serveUnary(async ({ service, body }) => {
      const answer = await services[service](body)
      return { status: 200, headers: [], body: toBytes(answer) }
    })
    this.#caller = createCaller({
      clock,
      directory: { providers: (wanted) => wanted.flatMap((name) => this.#connectionsTo(name)) },
      random: Math.random,
    })
    this.discovery.start()
  }

  /** Calls a service of the nodes this one is connected to; resolves with the bytes of the answer. */
  async call(service, body = '') {
    const request = { services: [service], headers: [], body: toBytes(body) }
    const reply = await callUnary(this.#caller, request)
    if (reply.status >= 400) throw new Error(`${service} answered with status ${reply.status}`)
    return reply.body
  }

  stop() {
    this.discovery.stop()
    for (const peer of this.#peers) peer.close('stopping')
  }

  #connectionsTo(service) {
    return this.discovery.providers(service).map(({ connection }) => connection)
  }

  async #dial({ address, key }, signal) {
    // A WebSocket is asked by timers whether it has sent everything, and those of a hidden tab run
    // once a second, later once a minute. So the link never holds back: the credit of rpc does.
    const link = await dialWebSocket(address, { signal, highWaterMark: CONNECTION_CREDIT })
    const peer = new Peer(this, {
      link,
      role: 'dialer',
      dialed: address,
      key,
      onClose: () => this.#peers.delete(peer),
    })
    this.#peers.add(peer)
    return await peer.opened
  }
}

function toBytes(data) {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data
}
