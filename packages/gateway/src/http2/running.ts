import type { ClosableSocket } from './web-socket.ts'

/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1001

/** What runs on a listener: requests, each with what a driver knows of it, and WebSockets. */
export class Running<E, Known> {
  readonly #exchanges = new Map<E, Known>()
  readonly #sockets = new Set<ClosableSocket>()
  #waiting: (() => void)[] = []

  get exchanges(): ReadonlyMap<E, Known> {
    return this.#exchanges
  }

  begin(exchange: E, known: Known): void {
    this.#exchanges.set(exchange, known)
  }

  /** The answer is out, or the client is gone. */
  end(exchange: E): void {
    this.#exchanges.delete(exchange)
    this.#settle()
  }

  /** A WebSocket, which an exchange may have become. */
  open(socket: ClosableSocket): void {
    this.#sockets.add(socket)
  }

  close(socket: ClosableSocket): void {
    this.#sockets.delete(socket)
    this.#settle()
  }

  /** Closes WebSockets, and resolves when nothing runs any more, at the latest after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void> {
    for (const socket of this.#sockets) socket.close(GOING_AWAY, '')
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #isIdle(): boolean {
    return this.#exchanges.size + this.#sockets.size === 0
  }

  #settle(): void {
    if (this.#isIdle()) for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
