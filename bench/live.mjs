// How fast a mesh of real nodes in one process, on loopback, comes to know itself:
// `npm run live -- [nodes]...`, 32 and 128 unless told otherwise.
import { generateSecretKey, Node } from '@flatend/node'

/** Services that are looked for, one after the other. */
const LOOKUPS = 200
/** The mesh is given up after so long, in milliseconds. */
const PATIENCE = 60_000
/** A mesh is warm when a second costs less of the processor than this, in milliseconds. */
const QUIET = 100

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * @param {number[]} values
 * @param {number} percent
 */
function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0
}

/** @param {number} index */
const serviceOf = (index) => `service-${index}`

/**
 * @param {number} index
 * @param {string[]} addrs
 */
async function startOne(index, addrs) {
  return await Node.start({
    secretKey: generateSecretKey(),
    bindAddrs: ['127.0.0.1:0'],
    addrs,
    services: { [serviceOf(index)]: () => 'here' },
    // All are of one host, which is limited more than a mesh of many.
    limits: { admission: { maxHalfOpen: 4_096, maxHalfOpenPerHost: 4_096 } },
  })
}

/**
 * @param {number} count
 */
async function startMesh(count) {
  const began = performance.now()
  const first = await startOne(0, [])
  const addrs = [/** @type {string} */ (first.address)]
  const rest = Array.from({ length: count - 1 }, (_, i) => startOne(i + 1, addrs))
  const nodes = [first, ...(await Promise.all(rest))]
  return { nodes, startedMs: performance.now() - began, began }
}

/**
 * Until each node has a provider of each service among its peers.
 * @param {Node[]} nodes
 * @param {number} began
 */
async function untilAllKnown(nodes, began) {
  /** @param {Node} node */
  const knowsAll = (node) =>
    new Set(node.peers().flatMap(({ services }) => services)).size >= nodes.length - 1
  while (!nodes.every(knowsAll)) {
    if (performance.now() - began > PATIENCE) return undefined
    await pause(10)
  }
  return performance.now() - began
}

/** Until connections are made and records published. */
async function untilQuiet() {
  const end = performance.now() + PATIENCE
  for (let quiet = 0; quiet < 3 && performance.now() < end; ) {
    const cpu = process.cpuUsage()
    await pause(1_000)
    const { user, system } = process.cpuUsage(cpu)
    quiet = (user + system) / 1_000 < QUIET ? quiet + 1 : 0
  }
}

/**
 * Nodes look for services of nodes they have no connection to, and connect them.
 * @param {Node[]} nodes
 */
async function resolveSome(nodes) {
  /** @type {number[]} */
  const times = []
  let missed = 0
  for (let i = 0; i < LOOKUPS; i++) {
    const node = /** @type {Node} */ (nodes[(i * 7) % nodes.length])
    const strange = nodes.findIndex(
      (other, at) =>
        at > (i * 31) % nodes.length &&
        other !== node &&
        node.providersFor([serviceOf(at)]).length === 0,
    )
    if (strange < 0) continue
    const start = performance.now()
    const found = await node.resolve(serviceOf(strange))
    if (found.length > 0) times.push(performance.now() - start)
    else missed++
  }
  return { times, missed }
}

/** @param {NodeJS.CpuUsage} since */
function spent(since) {
  const { user, system } = process.cpuUsage(since)
  return `${((user + system) / 1_000).toFixed(0)} ms of the processor`
}

/** @param {number} count */
async function measure(count) {
  const cpu = process.cpuUsage()
  const { nodes, startedMs, began } = await startMesh(count)
  const row = [`${count} nodes: all started in ${startedMs.toFixed(0)} ms, ${spent(cpu)}`]
  // Up to 64 everybody is connected to everybody.
  if (count <= 64) {
    const known = await untilAllKnown(nodes, began)
    row.push(
      known ? `all services known after ${known.toFixed(0)} ms, ${spent(cpu)}` : 'never all known',
    )
  } else {
    await untilQuiet()
    const { times, missed } = await resolveSome(nodes)
    const peers = nodes.reduce((sum, node) => sum + node.peers().length, 0) / count
    row.push(`${peers.toFixed(0)} connections of a node`)
    row.push(
      `first provider found and connected: p50 ${percentile(times, 50).toFixed(2)} ms, p95 ${percentile(times, 95).toFixed(2)} ms of ${times.length}, ${missed} not found`,
    )
  }
  await Promise.all(nodes.map((node) => node.shutdown({ timeoutMs: 0 })))
  return row.join('; ')
}

const sizes = process.argv.slice(2).map(Number)
for (const size of sizes.length > 0 ? sizes : [32, 128]) {
  process.stdout.write(`${await measure(size)}\n`)
}
process.stdout.write(
  'goals: 32 know all in 500 ms; 128 start in 3,000 ms, first provider p50 2 ms\n',
)
process.exit(0)
