// Ours as users have it: @flatend/node over TCP, protocol v2, everything on.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Node } from '@flatend/node'
import { describe } from '../lib/describe.mjs'
import { pieces, Sinks } from '../lib/sinks.mjs'

/** @import { Client, ServeOptions, Served, Target } from '../lib/types.d.ts' */

/** How long a provider may take to be seen, in milliseconds. */
const JOIN_TIMEOUT = 5_000
/** Deadline of calls that move a GiB, in milliseconds. */
const LONG = 600_000
const CHUNK = Buffer.alloc(65_536, 0x61)

const sinks = new Sinks()

/** @type {Record<string, import('@flatend/node').Handler>} */
const services = {
  hello: () => 'Hello world!',
  echo: (ctx) => ctx.body(),
  sink: async (ctx) => {
    let counted = 0
    ctx.on('data', (/** @type {Buffer} */ chunk) => {
      counted += chunk.length
    })
    await once(ctx, 'end')
    return String(counted)
  },
  slow: async (ctx) => String(await sinks.slow(ctx)),
  socket: async (ctx) => {
    const socket = ctx.webSocket()
    for await (const message of socket) await socket.send(message)
  },
  never: () => new Promise(() => undefined),
  download: (ctx) =>
    pieces({
      total: Number(ctx.params['bytes']),
      chunk: CHUNK,
      sink: 'sink',
      onSent: () => undefined,
    }),
}

/**
 * @param {ServeOptions} [options]
 * @returns {Promise<Served>}
 */
export async function serve({ join = [] } = {}) {
  const node = await Node.start({
    services,
    addrs: join,
    // As many WebSockets as a suite opens.
    limits: { calls: { maxStreams: 20_000 } },
    ...(join.length > 0 ? {} : { bindAddrs: ['127.0.0.1:0'] }),
  })
  const port = Number(/\d+$/.exec(node.address ?? '')?.[0] ?? 0)
  return { target: { port }, consumed: () => sinks.consumed, close: () => node.shutdown() }
}

/**
 * @param {Node} node
 * @param {Buffer} body
 * @param {(length: number | Error) => void} done
 */
async function echo(node, body, done) {
  /** @type {number | Error} */
  let result
  try {
    const reply = await node.call('echo', body)
    result = (await reply.bytes()).length
  } catch (error) {
    result = new Error(describe(error))
  }
  done(result)
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect({ port }) {
  const node = await Node.start({ addrs: [`127.0.0.1:${port}`] })
  const deadline = performance.now() + JOIN_TIMEOUT
  while (node.providersFor(['echo']).length === 0 && performance.now() < deadline) await sleep(10)
  return {
    call: (body, done) => {
      void echo(node, body, done)
    },
    send: async (sending) => {
      const reply = await node.call(sending.sink, pieces(sending), { timeoutMs: LONG })
      return Number(await reply.text())
    },
    close: () => node.shutdown(),
  }
}
