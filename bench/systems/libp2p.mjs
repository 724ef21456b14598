// libp2p over TCP with Noise and yamux: a stream per call, its protocol agreed on anew each time.
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { fillPromise } from '../lib/promises.mjs'
import { tell } from '../lib/tell.mjs'

/** @import { Client, Opened, Sending, Served, Target } from '../lib/types.d.ts' */
/** @typedef {Awaited<ReturnType<typeof createLibp2p>>} Libp2p */
/** @typedef {Awaited<ReturnType<Libp2p['dialProtocol']>>} Stream */

fillPromise()

const ECHO = '/bench/echo/1.0.0'
const SINK = '/bench/sink/1.0.0'
/** The defaults, 32 in and 64 out, would refuse a 65th call. */
const MANY = { maxInboundStreams: 4_096, maxOutboundStreams: 4_096 }

/** @param {string[]} listen */
function node(listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Its limits are for the open internet: 5 connections a second of one address, 300 in all.
    connectionManager: {
      maxConnections: 20_000,
      inboundConnectionThreshold: 100_000,
      maxIncomingPendingConnections: 1_000,
      maxParallelDials: 256,
    },
  })
}

/** @returns {Promise<Served>} */
export async function serve() {
  const own = await node(['/ip4/127.0.0.1/tcp/0'])
  let opened = 0
  own.addEventListener('connection:open', () => {
    opened++
  })
  await own.handle(
    ECHO,
    (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
      closeAfterPeer(stream)
    },
    MANY,
  )
  await own.handle(SINK, (stream) => {
    let counted = 0
    stream.addEventListener('message', ({ data }) => {
      counted += data.byteLength
    })
    stream.addEventListener('remoteCloseWrite', () => stream.send(Buffer.from(String(counted))))
    closeAfterPeer(stream)
  })
  const address = String(own.getMultiaddrs()[0])
  return {
    target: { port: Number(/tcp\/(\d+)/.exec(address)?.[1]), address },
    opened: () => opened,
    close: async () => own.stop(),
  }
}

/** @param {Stream} stream */
function closeAfterPeer(stream) {
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch((error) => stream.abort(error))
  })
}

/** Without a dial under way: of dials to one peer at a time, a node makes one. @type {Libp2p[]} */
const idle = []

/** @param {Target} target */
async function dial({ address }) {
  const own = idle.pop() ?? (await node([]))
  const connection = await own.dial(multiaddr(String(address)), { force: true })
  idle.push(own)
  return connection
}

/**
 * @param {Target} target
 * @returns {Promise<Opened>}
 */
export async function open(target) {
  const connection = await dial(target)
  return { close: () => connection.abort(new Error('done')) }
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect(target) {
  const connection = await dial(target)
  return {
    call: (body, done) => {
      void tell(echo(connection, body), done)
    },
    send: async (sending) => send(await connection.newStream(SINK), sending),
    close: async () => connection.close(),
  }
}

/**
 * @param {Awaited<ReturnType<Libp2p['dial']>>} connection
 * @param {Buffer} body
 * @returns {Promise<number>}
 */
async function echo(connection, body) {
  const stream = await connection.newStream(ECHO, MANY)
  let length = 0
  stream.addEventListener('message', ({ data }) => {
    length += data.byteLength
  })
  const closed = once(stream, 'close')
  stream.send(body)
  await stream.close()
  await closed
  return length
}

/**
 * @param {Stream} stream
 * @param {Sending} sending
 */
async function send(stream, { total, chunk, onSent }) {
  let answer = ''
  stream.addEventListener('message', ({ data }) => {
    answer += Buffer.from(data.subarray()).toString()
  })
  const closed = once(stream, 'close')
  for (let sent = 0; sent < total; sent += chunk.length) {
    onSent(chunk.length)
    if (!stream.send(chunk)) await once(stream, 'drain')
  }
  await stream.close()
  await closed
  return Number(answer)
}
