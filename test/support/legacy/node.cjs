'use strict'
// A node of the 2020 SDK in a process of its own. It needs one: a TCP reset ends the process.
const { createHash } = require('node:crypto')
const { Node, generateSecretKey } = require('flatend-2020')
const { pattern, patternStream } = require('../pattern.cjs')
const { options, say, obey, digest } = require('../remote-control.cjs')

/** Hashes a request body by events: with `for await` this SDK's context ends itself on Node 20. */
function collect(ctx) {
  const hash = createHash('sha1')
  let bytes = 0
  ctx.on('data', (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  ctx.on('end', () => ctx.json({ bytes, sha1: hash.digest('hex') }))
}

const handlers = {
  hello: (ctx) => ctx.send('Hello world!'),
  pipe: (ctx) => ctx.pipe(ctx),
  big: (ctx) => patternStream(Number(ctx.headers.bytes ?? ctx.headers['query.bytes'])).pipe(ctx),
  show: (ctx) => ctx.header('x-sdk', '2020').json(ctx.headers),
  fail: () => {
    throw new Error('told to everybody in 2020')
  },
  collect,
}

/** Answers nobody reads. */
const kept = []

async function* chunks({ text, bytes }) {
  if (text !== undefined) yield Buffer.from(text)
  else yield* pattern(bytes ?? 0)
}

async function main() {
  const services = Object.fromEntries(
    (options.services ?? []).map((name) => [name, handlers[name]]),
  )
  const { addrs, publicAddr, bindAddrs, identified } = options
  const secretKey = identified ? generateSecretKey() : undefined
  const began = performance.now()
  const node = await Node.start({ addrs, publicAddr, bindAddrs, secretKey, services })
  obey({
    peers: () => ({
      table: node.table.length,
      providers: node.services.size,
      // Addresses a 2020 node can be reached at; anonymous ones are not listed.
      services: [...node.services.keys()],
    }),
    push: async ({ services: names, headers, ...body }) => {
      const stream = await node.push(names, headers ?? {}, chunks(body))
      return { headers: stream.headers, ...(await digest(stream.body)) }
    },
    /** Calls, and reads nothing of the answer. */
    ask: ({ services: names, headers, ...body }) => {
      kept.push(node.push(names, headers ?? {}, chunks(body)))
      return {}
    },
    shutdown: async () => {
      await node.shutdown()
      return {}
    },
  })
  say({ event: 'started', ms: performance.now() - began })
}

main().catch((error) => {
  say({ event: 'failed', message: error.message })
  process.exit(1)
})
