'use strict'
// A client on a thread of its own, which sends as fast as it is let: one on the thread of the server
// never sends while the server reads.
const { createHash } = require('node:crypto')
const { connect } = require('node:net')
const { connect: connectTls } = require('node:tls')
const { parentPort, workerData } = require('node:worker_threads')

const PIECE = 4_194_304
const { port, tls, total, chunked, asks, before, after, shared } = workerData
/** KiB the system took, for the test to look at, and whether the test wants it to leave. */
const state = new Int32Array(shared)

const piece = Buffer.alloc(PIECE)
for (let i = 0, x = 1; i < PIECE; i += 1) {
  x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
  piece[i] = x >>> 24
}

const socket = tls
  ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  : connect(port, '127.0.0.1')
let received = Buffer.alloc(0)
let wake = () => {}
let closed = false
socket.on('data', (chunk) => {
  received = Buffer.concat([received, chunk])
  wake()
})
socket.on('drain', () => wake())
socket.on('error', () => {})
socket.on('close', () => {
  closed = true
  wake()
})

function more() {
  return new Promise((resolve) => {
    wake = resolve
  })
}

/** Status of the next answer, which has a length; 0 where there is none. */
async function answer() {
  for (;;) {
    const end = received.indexOf('\r\n\r\n')
    if (end >= 0) {
      const head = received.subarray(0, end).toString('latin1')
      const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0)
      const whole = end + 4 + length
      if (received.length >= whole) {
        received = received.subarray(whole)
        return Number(head.split(' ')[1])
      }
    }
    if (closed) return 0
    await more()
  }
}

async function get(path) {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return await answer()
}

async function upload() {
  const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${total}`
  const fields = asks ? `Expect: 100-continue\r\n${length}` : length
  socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`)
  if (asks && (await answer()) !== 100) throw new Error('not asked to go on')
  const hash = createHash('sha1')
  const from = socket.bytesWritten
  const look = () => {
    Atomics.store(state, 0, (socket.bytesWritten - from - socket.writableLength) >> 10)
    if (Atomics.load(state, 1) !== 0) socket.destroy()
  }
  const timer = setInterval(look, 5)
  for (let left = total; left > 0; left -= PIECE) {
    if (closed) break
    const body = piece.subarray(0, Math.min(left, PIECE))
    piece.writeUInt32BE(left >>> 0)
    // What is written may still be waiting: each piece has a copy of its own.
    const copy = Buffer.from(body)
    hash.update(copy)
    if (chunked) socket.write(`${copy.length.toString(16)}\r\n`)
    socket.write(copy)
    if (chunked) socket.write('\r\n')
    while (!socket.destroyed && socket.writableNeedDrain) await more()
  }
  if (chunked) socket.write('0\r\n\r\n')
  const status = await answer()
  clearInterval(timer)
  look()
  return { status, sha1: hash.digest('hex') }
}

async function main() {
  const statuses = []
  for (const path of before) statuses.push(await get(path))
  const { status, sha1 } = await upload()
  statuses.push(status)
  for (const path of after) statuses.push(await get(path))
  socket.destroy()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  parentPort.postMessage({ statuses, sha1 })
}

void main()
