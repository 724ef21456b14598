'use strict'
// Bytes that tell where they belong: a block of noise whose first four bytes count the blocks, so
// that a piece lost, doubled or out of order changes the hash.
const { createHash } = require('node:crypto')
const { Readable } = require('node:stream')

const BLOCK = 65_536
const noise = Buffer.alloc(BLOCK)
for (let i = 0, x = 0x9e3779b9; i < BLOCK; i += 1) {
  x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
  noise[i] = x >>> 24
}

/** The first `size` bytes, in chunks nobody else holds. */
function* pattern(size) {
  for (let index = 0, left = size; left > 0; index += 1, left -= BLOCK) {
    const block = Buffer.from(left < BLOCK ? noise.subarray(0, left) : noise)
    if (block.length >= 4) block.writeUInt32BE(index)
    yield block
  }
}

/** The same as a stream that waits for its reader. */
function patternStream(size) {
  return Readable.from(pattern(size), { objectMode: false, highWaterMark: BLOCK })
}

/** SHA-1 of `pattern(size)`, in hex. */
function patternHash(size) {
  const hash = createHash('sha1')
  for (const block of pattern(size)) hash.update(block)
  return hash.digest('hex')
}

module.exports = { pattern, patternStream, patternHash }
