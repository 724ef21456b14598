// A node of ours in a process of its own, from the built package, as a user would write one.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSecretKey, HandlerError, Node } from '@flatend/node'
import pattern from '../pattern.cjs'
import control from '../remote-control.cjs'
import { Load } from './load.mjs'
import { countingClock, effort, vitals } from './vitals.mjs'

const { options, say, obey, digest } = control
const self = options.name ?? 'node'
/** Set by the command `release`: lets the handlers that hold go on. */
let release
const released = new Promise((resolve) => {
  release = resolve
})

/** Tells the test when the caller of this request is gone. */
function watch(ctx) {
  const began = performance.now()
  const gone = () => {
    const { code, kind } = ctx.signal.reason ?? {}
    say({ event: 'cancelled', service: ctx.service, kind, code, ms: performance.now() - began })
  }
  ctx.signal.addEventListener('abort', gone, { once: true })
}

/** Length and hash of the body, read by events. */
function collect(ctx) {
  const hash = createHash('sha1')
  let bytes = 0
  ctx.on('data', (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  ctx.on('end', () => ctx.json({ bytes, sha1: hash.digest('hex') }))
}

/** The same, slowly: nothing for a while, then in pauses, then the rest. */
async function dawdle(ctx) {
  const hash = createHash('sha1')
  let bytes = 0
  let reads = 0
  say({ event: 'dawdling' })
  await sleep(1_000)
  for await (const chunk of ctx) {
    hash.update(chunk)
    bytes += chunk.length
    reads += 1
    if (reads < 1_000) await sleep(1)
  }
  return { bytes, sha1: hash.digest('hex') }
}

/** The same, read by iteration. */
async function iterate(ctx) {
  const { bytes, sha1 } = await digest(ctx)
  return { bytes, sha1 }
}

/** The same, telling when its caller is gone, and that it began. */
async function take(ctx) {
  watch(ctx)
  say({ event: 'taking' })
  return await iterate(ctx)
}

/** Answers whatever the query asks for: `code`, `location`, and a body unless `empty`. */
function answer(ctx) {
  const { code = '200', empty, expose, message = 'as asked' } = ctx.query
  if (expose) throw new HandlerError(Number(code), message)
  ctx.status(Number(code)).header('x-first', '1').header('set-cookie', 'a=1; Path=/')
  ctx.header('set-cookie', 'b=2').header('x-name', 'Grüße, 世界')
  ctx.send(empty ? '' : message)
}

const handlers = {
  hello: () => 'Hello world!',
  who: () => self,
  pipe: (ctx) => ctx.pipe(ctx),
  big: (ctx) => {
    watch(ctx)
    const bytes = Number(ctx.query.bytes ?? ctx.headers.bytes)
    if (ctx.query.length) ctx.header('content-length', bytes)
    return pattern.patternStream(bytes)
  },
  collect,
  dawdle,
  iterate,
  take,
  read: async (ctx) => ({ bytes: (await ctx.body({ limit: 1e9 })).length }),
  show: (ctx) => ({
    headers: ctx.headers,
    raw: ctx.rawHeaders,
    params: ctx.params,
    query: ctx.query,
  }),
  answer,
  fail: () => {
    throw new Error('a secret of the service')
  },
  /** Begins its answer, then waits: for `release`, or for the caller to be gone. */
  hold: async (ctx) => {
    watch(ctx)
    ctx.write('held, ')
    say({ event: 'held' })
    await Promise.race([
      released,
      new Promise((resolve) => ctx.signal.addEventListener('abort', resolve)),
    ])
    if (!ctx.signal.aborted) ctx.end('released')
  },
  /** Never answers by itself. */
  never: async (ctx) => {
    watch(ctx)
    say({ event: 'waiting', timeoutMs: ctx.timeoutMs })
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
  },
  /** The same, and says nothing of it. */
  wait: async (ctx) => {
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
  },
  /** Asks the next service, named in the header `next`: `a,b` is a, which asks b. */
  forward: async (ctx) => {
    watch(ctx)
    say({ event: 'forwarding', timeoutMs: ctx.timeoutMs })
    const [next, ...rest] = (ctx.headers.next ?? 'never').split(',')
    const reply = await ctx.call(next, '', { headers: { next: rest.join(',') || 'never' } })
    return `${self} < ${await reply.text()}`
  },
  /** A WebSocket that says everything back. */
  talk: async (ctx) => {
    const socket = ctx.webSocket()
    for await (const message of socket) await socket.send(message)
  },
  constructor: () => 'I am constructor',
  toString: () => 'I am toString',
}
const table = new Map(Object.entries(handlers))
table.set('__proto__', () => 'I am __proto__')
table.set('forward-b', handlers.forward)
table.set('forward-c', handlers.forward)

/** The handler of a service; where vitals are asked for, one that is counted. */
function handlerOf(name) {
  const handler = table.get(name)
  return options.vitals ? counted(handler) : handler
}

/** Calls at a pace. */
let load

/** Answers nobody reads. */
const kept = []

async function* chunks({ text, bytes }) {
  if (text !== undefined) yield Buffer.from(text)
  else yield* pattern.pattern(bytes ?? 0)
}

const logger = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (fields, text) =>
      process.stderr.write(`${level} ${text ?? fields} ${JSON.stringify(fields)}\n`),
  ]),
)

/** Calls whose handlers run. */
let running = 0

/** The handler, counted while it runs. */
function counted(handler) {
  return (ctx) => {
    const result = handler(ctx)
    if (typeof result?.then !== 'function') return result
    running += 1
    return result.finally(() => {
      running -= 1
    })
  }
}

const clock = countingClock()
const { addrs, publicAddr, bindAddrs, legacy, identified, timeoutMs, secretKey, limits } = options
const node = await Node.start({
  ...(addrs ? { addrs } : {}),
  ...(publicAddr ? { publicAddr } : {}),
  ...(bindAddrs ? { bindAddrs } : {}),
  ...(legacy ? { legacy } : {}),
  ...(timeoutMs ? { timeoutMs } : {}),
  ...(limits ? { limits } : {}),
  ...(options.vitals ? { clock } : {}),
  ...(identified ? { secretKey: generateSecretKey() } : {}),
  ...(secretKey ? { secretKey: Buffer.from(secretKey, 'hex') } : {}),
  services: new Map((options.services ?? []).map((name) => [name, handlerOf(name)])),
  ...(options.quiet ? {} : { logger }),
})

obey({
  push: async ({ services, headers, timeoutMs: patience, ...body }) => {
    const began = performance.now()
    const reply = await node.call(services, chunks(body), {
      headers: headers ?? {},
      ...(patience ? { timeoutMs: patience } : {}),
    })
    const { status } = reply
    return {
      status,
      headers: reply.headers,
      ...(await digest(reply.body)),
      ms: performance.now() - began,
    }
  },
  /** Calls, and reads nothing of the answer. */
  ask: ({ services, headers, ...body }) => {
    kept.push(node.call(services, chunks(body), { headers: headers ?? {} }))
    return {}
  },
  peers: () => ({
    peers: node.peers().map(({ id, address, version, services }) => {
      return { id: String(id), address, version, services }
    }),
  }),
  providers: ({ services }) => ({ providers: node.providersFor(services).map(({ addr }) => addr) }),
  release: () => {
    release()
    return {}
  },
  register: ({ service }) => {
    node.register(service, table.get(service))
    return {}
  },
  unregister: ({ service }) => ({ was: node.unregister(service) }),
  vitals: () => vitals({ node, clock, running: () => running, calls: load?.begun ?? 0 }),
  effort,
  /** Calls, and takes it back after `ms`; tells how many were cancelled. */
  cancel: async ({ services, count, ms }) => {
    const abort = new AbortController()
    const calls = Array.from({ length: count }, () =>
      node.call(services, 'x', { signal: abort.signal }),
    )
    setTimeout(() => abort.abort(), ms)
    const results = await Promise.allSettled(calls)
    return { cancelled: results.filter(({ status }) => status === 'rejected').length }
  },
  /** Calls at a pace, until `stop-load` tells how it went. */
  load: ({ services, text, perSecond, most }) => {
    load = new Load(async () => {
      const reply = await node.call(services, text)
      if ((await reply.text()) !== text) throw new Error('another answer than was due')
    })
    load.start(perSecond, most)
    return {}
  },
  'stop-load': async () => await load.stop(),
  shutdown: async () => {
    await node.shutdown()
    return {}
  },
})
say({ event: 'started', address: node.address, id: String(node.id) })
