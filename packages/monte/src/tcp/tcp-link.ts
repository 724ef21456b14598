import type { Socket } from 'node:net'
import type { Address, Link, LinkReceiver } from '../ports.ts'

/** A TCP socket as a {@link Link}: small writes leave at once (TCP_NODELAY), gathered ones together. */
export class TcpLink implements Link {
  readonly remote: Address | undefined
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    const { remoteAddress, remotePort } = socket
    this.remote =
      remoteAddress !== undefined && remotePort !== undefined
        ? { host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort }
        : undefined
    socket.pause()
    socket.on('error', () => undefined)
  }

  attach(receiver: LinkReceiver): void {
    const socket = this.#socket
    let failure: Error | undefined
    socket.on('data', (chunk) => receiver.onData(chunk as Buffer))
    socket.on('drain', () => receiver.onDrain())
    socket.on('end', () => receiver.onEnd())
    socket.on('error', (error) => {
      failure = error
    })
    socket.on('close', () => receiver.onClose(failure))
    socket.resume()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket.destroyed) return false
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
    this.#socket.pause()
  }
  resume(): void {
    this.#socket.resume()
  }
}

/** Up to here one copy is cheaper than a gathered write. */
const JOIN_BELOW = 16_384
