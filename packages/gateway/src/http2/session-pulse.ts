import type { ServerHttp2Session } from 'node:http2'
import { Pulse, type PulseSubject, type PulseTimes, type PulseWatch } from './pulse.ts'

/**
 * Milliseconds of silence after which the client of a session is asked whether it is there; it is
 * given up after as many more. Not too often for a telephone, whose radio sleeps in between.
 */
const PING_MS = 15_000

export interface SessionPulseOptions {
  readonly watch: PulseWatch
  /** @default 15_000 */
  readonly pingMs: number | undefined
  /** The client does not answer. */
  readonly onDead: () => void
}

/**
 * Asks the client of a session of HTTP/2, while requests of it run, by PING (RFC 9113 §6.7). The
 * system's own keepalive sees neither beyond a proxy nor a process that hangs, and is silent while
 * something that was sent is not acknowledged.
 */
export class SessionPulse implements PulseSubject {
  readonly #session: ServerHttp2Session
  readonly #watch: PulseWatch
  readonly #times: PulseTimes
  readonly #onDead: () => void
  #pulse: Pulse | undefined
  #running = 0
  #received = 0

  constructor(
    session: ServerHttp2Session,
    { watch, pingMs = PING_MS, onDead }: SessionPulseOptions,
  ) {
    this.#session = session
    this.#watch = watch
    this.#onDead = onDead
    // Each answer has a limit of its own; the number of frames may stay while all of them move.
    this.#times = { pingMs, idleMs: 0, writeMs: 0 }
  }

  /** A request begins. */
  begin(): void {
    if (this.#running++ > 0) return
    this.#pulse = new Pulse(this, this.#times)
    this.#watch.begin(this.#pulse)
  }

  /** A request is over. */
  end(): void {
    if (--this.#running === 0 && this.#pulse !== undefined) this.#watch.end(this.#pulse)
  }

  /** Frames, such as a ping, that wait behind what the client does not take: Node reads nothing then. */
  get pending(): number {
    return this.#session.state.outboundQueueSize ?? 0
  }

  get bytesReceived(): number {
    if (!this.#session.destroyed) this.#received = this.#session.socket.bytesRead
    return this.#received
  }

  ping(): void {
    // What comes back is told by `bytesReceived`.
    if (!this.#session.destroyed) this.#session.ping(() => {})
  }

  /** A request of HTTP/2 has limits of its own. */
  idle(): void {}

  dead(): void {
    if (!this.#session.destroyed) this.#onDead()
  }
}
