import { WebSocket } from 'ws'
import type { WebSocketEvent, WebSocketLike } from '../../src/websocket/index.ts'

/**
 * A WebSocket with nothing but what a browser's has: it cannot be paused or terminated, and takes
 * no close codes below 3000 but 1000 (WebSockets standard, `close`).
 */
export class BrowserSocket implements WebSocketLike {
  readonly #socket: WebSocket

  constructor(url: string, protocol: string) {
    this.#socket = new WebSocket(url, protocol, { perMessageDeflate: false })
  }

  get binaryType(): string {
    return this.#socket.binaryType
  }
  set binaryType(type: string) {
    this.#socket.binaryType = type as 'arraybuffer'
  }
  get readyState(): number {
    return this.#socket.readyState
  }
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }
  send(data: Uint8Array): void {
    this.#socket.send(data.slice())
  }
  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1_000 && code < 3_000)
      throw new DOMException(`close code ${code}`, 'InvalidAccessError')
    this.#socket.close(code, reason)
  }
  addEventListener(type: 'open', listener: (event: WebSocketEvent) => void): void {
    this.#socket.addEventListener(type, listener)
  }
}
