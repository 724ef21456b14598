import type { WebSocket } from 'ws'
import type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from '../web-socket/port.ts'
import { Pulse, type PulseSubject, type PulseWatch } from './pulse.ts'

/** Bytes kept for a slow client before `send` says so. */
const HIGH_WATER = 65_536
/** Bytes of one frame: each that leaves is progress of a slow client. */
const PIECE = 65_536
/** RFC 6455 §7.4.1: going away. */
const GOING_AWAY = 1001

/** What a listener knows of its WebSockets. */
export interface SocketContext {
  readonly pulses: PulseWatch
  socketClosed(socket: ClosableSocket): void
}

/** A WebSocket that a drain closes. */
export interface ClosableSocket {
  close(code: number, reason: string): void
}

/** One WebSocket of the package ws. */
export class NodeWebSocket implements ServerWebSocket, PulseSubject {
  readonly #socket: WebSocket
  readonly #events: WebSocketEvents
  readonly #pulse: Pulse
  #pending = 0
  #blocked = false

  constructor(
    socket: WebSocket,
    { options, events }: { readonly options: UpgradeOptions; readonly events: WebSocketEvents },
    context: SocketContext,
  ) {
    this.#socket = socket
    this.#events = events
    this.#pulse = new Pulse(this, options)
    context.pulses.begin(this.#pulse)
    socket.on('message', (data: Buffer, binary) => {
      this.#pulse.heard()
      this.#pulse.said()
      events.message(data, binary)
    })
    socket.on('pong', () => this.#pulse.heard())
    socket.on('ping', () => this.#pulse.heard())
    // What it is about is told with the end of the connection, which follows.
    socket.on('error', () => {})
    socket.on('close', (code, reason) => {
      context.pulses.end(this.#pulse)
      context.socketClosed(this)
      events.close(code, reason.toString())
    })
  }

  get pending(): number {
    return this.#pending
  }

  send(data: Uint8Array, binary: boolean): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return true
    this.#pulse.said()
    for (let at = 0; at === 0 || at < data.length; at += PIECE) {
      const piece = data.length > PIECE ? data.subarray(at, at + PIECE) : data
      this.#pending += piece.length
      const fin = at + PIECE >= data.length
      this.#socket.send(piece, { binary, fin }, () => this.#sent(piece.length))
    }
    this.#blocked = this.#pending >= HIGH_WATER
    return !this.#blocked
  }

  pause(): void {
    this.#pulse.deaf = true
    this.#socket.pause()
  }

  resume(): void {
    if (this.#pulse.deaf) this.#pulse.heard()
    this.#pulse.deaf = false
    this.#socket.resume()
  }

  close(code: number, reason: string): void {
    this.#pulse.closing()
    // The client's own close frame has to be read.
    this.resume()
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  idle(): void {
    this.close(GOING_AWAY, 'idle')
  }

  dead(): void {
    this.terminate()
  }

  #sent(bytes: number): void {
    this.#pending -= bytes
    if (!this.#blocked || this.#pending >= HIGH_WATER) return
    this.#blocked = false
    if (this.#socket.readyState === this.#socket.OPEN) this.#events.drain()
  }
}
