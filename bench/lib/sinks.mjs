// What takes a body on the answering side, and what hands one over on the calling side.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** How much the handler `slow` takes, in bytes a second. */
const RATE = 4_000_000

/**
 * What a body is written to: `stream.Writable`, or what behaves like it.
 * @typedef {import('node:events').EventEmitter & { write(chunk: Buffer): boolean, end(): unknown }} Sink
 */

/** Of one served system: the bytes that its handlers have taken. */
export class Sinks {
  consumed = 0

  /**
   * Takes what comes at 4 MB/s.
   * @param {AsyncIterable<{ readonly length: number }>} body
   */
  async slow(body) {
    const start = performance.now()
    let taken = 0
    for await (const { length } of body) {
      this.consumed += length
      taken += length
      const wait = start + (taken / RATE) * 1_000 - performance.now()
      if (wait >= 1) await sleep(wait)
    }
    return taken
  }
}

/**
 * @param {NodeJS.ReadableStream} body
 * @param {(bytes: number) => void} done - not told where the body breaks off
 */
export function count(body, done) {
  let counted = 0
  body.on('data', (chunk) => {
    counted += chunk.length
  })
  body.once('end', () => done(counted))
}

/**
 * Writes a body and ends it; waits whenever the stream asks for it.
 * @param {Sink} to
 * @param {import('./types.d.ts').Sending} sending
 */
export async function writeAll(to, { total, chunk, onSent }) {
  for (let sent = 0; sent < total; sent += chunk.length) {
    onSent(chunk.length)
    if (!to.write(chunk)) await once(to, 'drain')
  }
  to.end()
}

/**
 * The body as an iterable.
 * @param {import('./types.d.ts').Sending} sending
 */
export async function* pieces({ total, chunk, onSent }) {
  for (let sent = 0; sent < total; sent += chunk.length) {
    onSent(chunk.length)
    yield chunk
  }
}
