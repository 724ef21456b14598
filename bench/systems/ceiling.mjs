// What the ceilings share: calls, a stream and connections over a socket and next to nothing else.
// A message is `u32 length | u32 id | body`; a turn of the event loop's messages leave in one
// write (uWebSockets.js ends a tick after every request: nextTick would merge nothing there).
import { once } from 'node:events'
import net from 'node:net'

/**
 * What lies between messages and socket.
 * @typedef {object} Layer
 * @property {(parts: Buffer[]) => Buffer[]} seal - bytes to write for a batch of messages
 * @property {(chunk: Buffer, onBytes: (bytes: Buffer) => void) => void} open - of what was read
 *
 * Sets a connection up; resolves on the dialer once it may speak, on the listener once all is proven.
 * @typedef {(socket: net.Socket, dialer: boolean) => Promise<Layer>} Handshake
 */

const HEADER = 8
/** Bodies at least this long are handed on instead of being copied into the batch, in bytes. */
const LARGE = 16_384
const BATCH = 65_536
/** Ids of messages that are no call: a piece of a stream, its end. */
const PIECE = 0xffff_ffff
const END = 0xffff_fffe

/** Cuts `u32 length | …` out of a byte stream; used for messages and for encrypted records. */
export class Cutter {
  /** @type {Buffer | undefined} */
  #rest

  /**
   * @param {Buffer} chunk
   * @param {(frame: Buffer) => void} onFrame - given the bytes behind the length
   */
  feed(chunk, onFrame) {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      onFrame(bytes.subarray(at + 4, end))
      at = end
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined
  }
}

class Pipe {
  #socket
  #layer
  #batch = Buffer.allocUnsafe(BATCH)
  #used = 0
  #scheduled = false
  #cutter = new Cutter()
  #flush = () => this.flush()

  /**
   * @param {net.Socket} socket
   * @param {Layer} layer
   * @param {(id: number, body: Buffer) => void} onMessage
   */
  constructor(socket, layer, onMessage) {
    this.#socket = socket
    this.#layer = layer
    const onFrame = (/** @type {Buffer} */ frame) =>
      onMessage(frame.readUInt32BE(0), frame.subarray(4))
    const onBytes = (/** @type {Buffer} */ bytes) => this.#cutter.feed(bytes, onFrame)
    socket.on('data', (chunk) => layer.open(chunk, onBytes))
    socket.on('error', () => socket.destroy())
  }

  /**
   * @param {number} id
   * @param {Buffer} body
   */
  send(id, body) {
    if (body.length >= LARGE) {
      const header = Buffer.allocUnsafe(HEADER)
      header.writeUInt32BE(4 + body.length, 0)
      header.writeUInt32BE(id, 4)
      this.flush()
      return this.#write([header, body])
    }
    if (this.#used + HEADER + body.length > BATCH) this.flush()
    this.#batch.writeUInt32BE(4 + body.length, this.#used)
    this.#batch.writeUInt32BE(id, this.#used + 4)
    this.#batch.set(body, this.#used + HEADER)
    this.#used += HEADER + body.length
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#flush)
    }
    return true
  }

  flush() {
    this.#scheduled = false
    if (this.#used === 0) return
    const batch = Buffer.from(this.#batch.subarray(0, this.#used))
    this.#used = 0
    this.#write([batch])
  }

  /** @param {Buffer[]} parts */
  #write(parts) {
    const sealed = this.#layer.seal(parts)
    if (sealed.length === 1) return this.#socket.write(/** @type {Buffer} */ (sealed[0]))
    this.#socket.cork()
    let more = true
    for (const part of sealed) more = this.#socket.write(part)
    this.#socket.uncork()
    return more
  }
}

/** @param {Handshake} handshake */
export function ceiling(handshake) {
  return {
    serve: () => serve(handshake),
    /** @param {import('../lib/types.d.ts').Target} target */
    connect: (target) => connect(handshake, target.port),
    /** @param {import('../lib/types.d.ts').Target} target */
    open: async (target) => {
      const socket = await dial(target.port)
      await handshake(socket, true)
      socket.on('error', () => socket.destroy())
      socket.resume()
      return { close: () => socket.destroy() }
    },
  }
}

/** @param {number} port */
async function dial(port) {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** @param {Handshake} handshake */
async function serve(handshake) {
  let opened = 0
  /** @type {Set<net.Socket>} */
  const sockets = new Set()
  const accept = async (/** @type {net.Socket} */ socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const layer = await handshake(socket, false)
    opened++
    let counted = 0
    const pipe = new Pipe(socket, layer, (id, body) => {
      if (id === PIECE) counted += body.length
      else if (id === END) {
        pipe.send(END, Buffer.from(String(counted)))
        counted = 0
      } else pipe.send(id, body)
    })
  }
  const server = net.createServer({ noDelay: true }, (socket) => {
    accept(socket).catch(() => socket.destroy())
  })
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 })
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return {
    target: { port },
    opened: () => opened,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/**
 * @param {Handshake} handshake
 * @param {number} port
 */
async function connect(handshake, port) {
  const socket = await dial(port)
  const layer = await handshake(socket, true)
  /** @type {Map<number, (length: number) => void>} */
  const waiting = new Map()
  let next = 0
  /** @type {((counted: number) => void) | undefined} */
  let onEnd
  const pipe = new Pipe(socket, layer, (id, body) => {
    if (id === END) {
      onEnd?.(Number(body.toString()))
      return
    }
    const done = waiting.get(id)
    waiting.delete(id)
    done?.(body.length)
  })
  return {
    /** @type {import('../lib/types.d.ts').Client['call']} */
    call: (body, done) => {
      next = next === END - 1 ? 0 : next + 1
      waiting.set(next, done)
      pipe.send(next, body)
    },
    /** @type {import('../lib/types.d.ts').Client['send']} */
    send: async ({ total, chunk }) => {
      for (let sent = 0; sent < total; sent += chunk.length) {
        if (!pipe.send(PIECE, chunk)) await once(socket, 'drain')
      }
      const counted = new Promise((resolve) => {
        onEnd = resolve
      })
      pipe.send(END, Buffer.alloc(0))
      return await counted
    },
    close: async () => {
      socket.destroy()
    },
  }
}
