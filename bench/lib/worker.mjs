// One side of one system, in a process of its own: `worker.mjs SYSTEM` loads systems/SYSTEM.mjs and
// does what the harness asks.
import { setTimeout as sleep } from 'node:timers/promises'
import { handle, include, ready } from './agent.mjs'
import { callLoop, openLoop } from './load.mjs'

/** @import { Client, Opened, Served, Sink, System, Target } from './types.d.ts' */

/** @type {System} */
const system = await import(`../systems/${process.argv[2]}.mjs`)
/** @type {Served | undefined} */
let served
/** @type {Client | undefined} */
let client
/** @type {Opened[]} */
let held = []

/**
 * @template T
 * @param {T | undefined} value
 * @returns {T}
 */
function need(value) {
  if (value === undefined) throw new Error(`${process.argv[2]} cannot do this`)
  return value
}

handle('serve', async (params) => {
  served = await need(system.serve)(params)
  for (const pid of served.pids ?? []) include(pid)
  return served.target
})

handle('connect', async (/** @type {Target} */ target) => {
  client = await need(system.connect)(target)
})

handle('calls', (shape) => callLoop(need(client), shape))

handle('stream', async (/** @type {{ bytes: number, chunk: number }} */ { bytes, chunk }) => {
  const body = { total: bytes, chunk: Buffer.alloc(chunk, 0x61), onSent: () => undefined }
  const start = performance.now()
  const counted = await need(client).send({ ...body, sink: 'sink' })
  if (counted !== bytes) throw new Error(`${counted} bytes arrived of ${bytes}`)
  return { bytes, ms: performance.now() - start }
})

let sent = 0
/** @type {unknown} */
let failure

/** Begins to send as fast as the system lets it; `sent` then tells how far it is. */
handle('flood', (/** @type {{ bytes: number, chunk: number, sink: Sink }} */ params) => {
  sent = 0
  need(client)
    .send({
      total: params.bytes,
      chunk: Buffer.alloc(params.chunk, 0x61),
      sink: params.sink,
      onSent: (bytes) => {
        sent += bytes
      },
    })
    .catch((error) => {
      failure = error
    })
})

handle('sent', () => {
  if (failure !== undefined) throw failure
  return sent
})

handle('consumed', () => need(served?.consumed)())

handle('open', async (/** @type {{ target: Target, count: number, atOnce: number }} */ params) => {
  const open = need(system.open)
  const { handles, ms } = await openLoop(() => open(params.target), params)
  held.push(...handles)
  return { ms }
})

/** Waits until this side, too, has finished setting up `count` connections in all. */
handle('opened', async (/** @type {number} */ count) => {
  for (const side = need(served); (side.opened?.() ?? count) < count; ) await sleep(1)
})

handle('drop', () => {
  for (const one of held) one.close()
  held = []
})

ready()
