import type { ServerHttp2Session } from 'node:http2'
import { Pulse, type PulseSubject, type PulseWatch } from './pulse.ts'

/**
 * Milliseconds of silence after which the client of a session is asked whether it is there; it is
 * given up after as many more. Not too often for a telephone, whose radio sleeps in between.
 */
const PING_MS = 15_000

export interface SessionPulseOptions {
  readonly watch: PulseWatch
  /** @default 15_000 */
  readonly pingMs: number | undefined
  /** Longest time without a request, in milliseconds; 0 for no limit. */
  readonly idleMs: number
  /** The client does not answer, or does not close; told again and again until {@link SessionPulse.close}. */
  readonly onDead: () => void
}

/**
 * Ends a session of HTTP/2 that has no requests for too long, and asks its client, while requests of
 * it run, by PING (RFC 9113 §6.7): the system's own keepalive sees neither beyond a proxy nor a process
 * that hangs, and is silent while something that was sent is not acknowledged.
 *
 * Node does not tell of every end: where the client breaks the protocol, nghttp2 says GOAWAY by itself
 * and reads no more, not even that the client left (CVE-2026-21714, CVE-2026-48937; Node 20 stays so).
 * Such a session answers no ping and does not close, so that it is destroyed here.
 */
export class SessionPulse implements PulseSubject {
  readonly #session: ServerHttp2Session
  readonly #watch: PulseWatch
  readonly #onDead: () => void
  readonly #busy: Pulse
  readonly #idle: Pulse
  #closed = false
  #running = 0
  #received = 0
  #sent = 0

  constructor(
    session: ServerHttp2Session,
    { watch, pingMs = PING_MS, idleMs, onDead }: SessionPulseOptions,
  ) {
    this.#session = session
    this.#watch = watch
    this.#onDead = onDead
    this.#busy = new Pulse(this, { pingMs, idleMs: 0 })
    this.#idle = new Pulse(this, { pingMs: idleMs > 0 ? 0 : pingMs, idleMs })
    watch.begin(this.#idle)
  }

  /** The connection is gone. */
  close(): void {
    this.#watch.end(this.#busy)
    this.#watch.end(this.#idle)
    this.#closed = true
  }

  /** A request begins. */
  begin(): void {
    if (this.#running++ > 0 || this.#closed) return
    this.#watch.begin(this.#busy)
    this.#watch.end(this.#idle)
  }

  /** A request is over. */
  end(): void {
    if (--this.#running > 0 || this.#closed) return
    this.#watch.begin(this.#idle)
    this.#watch.end(this.#busy)
  }

  /** Frames, such as a ping, that wait behind what the client does not take: Node reads nothing then. */
  get pending(): number {
    // Asking costs more than all else of a sweep: not for each of many sessions that rest.
    if (this.#running === 0 && !this.#session.closed) return 0
    return this.#session.state.outboundQueueSize ?? 0
  }

  get bytesReceived(): number {
    if (!this.#session.destroyed) this.#received = this.#session.socket.bytesRead
    return this.#received
  }

  get bytesSent(): number {
    if (!this.#session.destroyed) this.#sent = this.#session.socket.bytesWritten
    return this.#sent
  }

  ping(): void {
    // What comes back is told by `bytesReceived`.
    if (!this.#session.destroyed) this.#session.ping(() => {})
  }

  /** No request for too long: the client is told, and has to close. */
  idle(): void {
    this.#session.close()
    this.#idle.closing()
  }

  dead(): void {
    this.#onDead()
  }
}
