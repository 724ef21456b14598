import type { Socket } from 'node:net'
import type { Address, Link, LinkReceiver } from '../ports.ts'
import { Turn } from './turn.ts'

/** Up to here one copy is cheaper than a gathered write. */
const JOIN_BELOW = 16_384

/** Options every socket of ours has. */
export const SOCKET_OPTIONS = {
  /** Small writes leave at once: the layers above have gathered them already. */
  noDelay: true,
  /** The peer's end does not end us: what is queued still goes out. */
  allowHalfOpen: true,
  /** The system notices a v1 peer that vanished; v2 has pings. */
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
} as const

/** A connected TCP socket as a {@link Link}. It reads nothing before somebody is attached. */
export class TcpLink implements Link {
  readonly remote: Address | undefined
  readonly #socket: Socket
  readonly #turn = new Turn()
  #failure: Error | undefined
  #paused = false

  constructor(socket: Socket) {
    this.#socket = socket
    const { remoteAddress, remotePort } = socket
    this.remote =
      remoteAddress !== undefined && remotePort !== undefined
        ? { host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort }
        : undefined
    socket.pause()
    socket.on('error', (error) => {
      this.#failure ??= error
    })
  }

  attach(receiver: LinkReceiver): void {
    const socket = this.#socket
    // Plain bytes: a Buffer's slice does not copy, which those above rely on.
    socket.on('data', (chunk: Buffer<ArrayBuffer>) => {
      this.#turn.begin()
      receiver.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
      if (this.#turn.isOver()) this.#yield()
    })
    socket.on('drain', () => receiver.onDrain())
    socket.on('end', () => receiver.onEnd())
    socket.on('close', () => receiver.onClose(this.#failure))
    if (socket.closed) queueMicrotask(() => receiver.onClose(this.#failure))
    else socket.resume()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return false
    const [only] = chunks
    if (chunks.length === 1 && only) return socket.write(only)
    let length = 0
    for (const chunk of chunks) length += chunk.length
    if (length <= JOIN_BELOW) return socket.write(Buffer.concat(chunks, length))
    socket.cork()
    let writable = true
    for (const chunk of chunks) writable = socket.write(chunk)
    socket.uncork()
    return writable
  }

  end(): void {
    this.#socket.end()
  }
  destroy(): void {
    this.#socket.destroy()
  }
  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }
  resume(): void {
    this.#paused = false
    this.#socket.resume()
  }

  /** Others are read before more is read here. */
  #yield(): void {
    this.#socket.pause()
    setImmediate(() => {
      if (!this.#paused) this.#socket.resume()
    })
  }
}
