/** @typedef {{ requests: number, ms: number, p50Ms: number, p99Ms: number, failed: number }} Load */

/**
 * @param {string} text - what wrk printed
 * @returns {Load}
 */
export function parseWrk(text) {
  const [, requests, seconds] = /(\d+) requests in ([\d.]+\w+)/.exec(text) ?? []
  const [, p50] = /^\s*50%\s+([\d.]+\w+)/m.exec(text) ?? []
  const [, p99] = /^\s*99%\s+([\d.]+\w+)/m.exec(text) ?? []
  const [, status] = /Non-2xx or 3xx responses: (\d+)/.exec(text) ?? []
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  if (requests === undefined || seconds === undefined) throw new Error('wrk printed no requests')
  const failures = [status, ...(sockets?.slice(1) ?? [])].map((count) => Number(count ?? 0))
  return {
    requests: Number(requests),
    ms: milliseconds(seconds),
    p50Ms: p50 === undefined ? Number.NaN : milliseconds(p50),
    p99Ms: p99 === undefined ? Number.NaN : milliseconds(p99),
    failed: failures.reduce((sum, count) => sum + count, 0),
  }
}

/** @param {string} text - of wrk: `12.3us`, `1.2ms`, `3.00s`, `1.50m` */
function milliseconds(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? []
  const factor = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }[unit ?? '']
  return factor === undefined ? Number.NaN : Number(number) * factor
}
