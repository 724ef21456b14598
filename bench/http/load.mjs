// A load generator for machines without wrk: closed loops over kept-alive connections of node:http.
// `load.mjs URL CONNECTIONS MS` prints its findings as JSON. Slower than wrk: requests/s are then its
// own limit, CPU time a request still is the servers'.
import http from 'node:http'
import { quantile } from '../lib/stats.mjs'

const [url = '', connections = '1', ms = '1000'] = process.argv.slice(2)
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) })
/** @type {number[]} */
const latencies = []
let failed = 0
const start = performance.now()
const deadline = start + Number(ms)

/** @returns {Promise<void>} */
function request() {
  return new Promise((resolve, reject) => {
    const sent = performance.now()
    http
      .get(url, { agent }, (response) => {
        if (response.statusCode !== 200) failed++
        response.resume()
        response.once('end', () => {
          latencies.push(performance.now() - sent)
          resolve()
        })
      })
      .once('error', reject)
  })
}

async function lane() {
  while (performance.now() < deadline) await request()
}

await Promise.all(Array.from({ length: Number(connections) }, lane))
const result = {
  requests: latencies.length,
  ms: performance.now() - start,
  p50Ms: quantile(latencies, 0.5),
  p99Ms: quantile(latencies, 0.99),
  failed,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
agent.destroy()
