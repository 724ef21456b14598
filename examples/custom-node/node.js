import { createDiscovery } from '@flatend/kademlia'
import { openChannel } from '@flatend/monte'
import { nodeSuite } from '@flatend/monte/suite/node'
import { dialTcp, listenTcp } from '@flatend/monte/tcp'
import { createCaller, createConnection, createHandlers, serve } from '@flatend/rpc'

/** Time is a part like any other: a simulation puts another one here. */
const clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}
const defer = (task) => queueMicrotask(() => process.nextTick(task))

/**
 * A node of the mesh in one function: monte carries messages, kademlia finds peers, rpc calls.
 * Each knows only a port that it declares itself; here they are plugged together.
 */
export async function startNode({ port = 0, seeds = [], services = {} }) {
  const identity = nodeSuite.identity(nodeSuite.randomBytes(32))
  const instance = Math.floor(Math.random() * 2 ** 32)
  const handlers = createHandlers()
  for (const [name, handler] of Object.entries(services)) handlers.register(name, serve(handler))

  const listener = await listenTcp({
    host: '127.0.0.1',
    port,
    onLink: (link) => open(link, 'listener'),
    onError: console.error,
  })
  const { address } = listener

  const discovery = createDiscovery({
    self: { key: identity.publicKey, address },
    network: { connect },
    clock,
    random: Math.random,
    seeds,
  })
  discovery.setServices(handlers.names())
  discovery.start()

  const caller = createCaller({
    directory: {
      providers: (names) =>
        names.flatMap((name) => discovery.providers(name)).map(({ connection }) => connection),
    },
    clock,
    random: Math.random,
  })

  /** kademlia names an address, and a key if it knows whose it is. */
  async function connect({ address, key }, { signal }) {
    const at = address.lastIndexOf(':')
    const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
    const link = await dialTcp({ host, port: Number(address.slice(at + 1)), signal })
    return await open(link, 'dialer', { dialed: address, key })
  }

  /** Turns a link into a session, and the session into a peer. */
  function open(link, role, { dialed, key } = {}) {
    const { promise, resolve, reject } = withResolvers()
    const peer = { dialed }
    const channel = openChannel({
      link,
      role,
      suite: nodeSuite,
      identity,
      hello: { address, ephemeral: true, services: handlers.names(), metadata: [], instance },
      clock,
      defer,
      receiver: {
        onOpen(hello) {
          Object.assign(peer, peerOf(hello, channel))
          peer.connection = createConnection({ channel, dispatch: handlers.dispatch, clock, peer })
          discovery.connected(peer)
          resolve(peer)
        },
        onMessage(seq, opcode, body) {
          if (peer.connection.receive(opcode, body)) return
          discovery.receive(peer, { seq, opcode, body })
        },
        onDrain: () => peer.connection?.onDrain(),
        onClose(error = new Error('closed by the peer')) {
          if (peer.connection) discovery.disconnected(peer)
          peer.connection?.closed(error)
          reject(error)
        },
      },
      ...(key && { expectedKey: key }),
    })
    if (role === 'listener') promise.catch(() => undefined)
    return promise
  }

  return { address, call: caller.call }
}
