/** A connection whose life is watched. */
export interface PulseSubject {
  /** Bytes, or frames, that the client has not taken yet. */
  readonly pending: number
  /** Bytes that came so far: more of them is a sign of life. */
  readonly bytesReceived?: number
  /** Bytes that went so far: as long as there are more, the client takes them. */
  readonly bytesSent?: number
  /** Asks the client whether it is there. */
  ping(): void
  /** Nothing was said for too long. */
  idle(): void
  /** The client does not answer, does not take anything, or does not close. */
  dead(): void
}

export interface PulseTimes {
  readonly pingMs: number
  readonly idleMs: number
}

/** Milliseconds a client may take to answer a close frame. */
const CLOSE_MS = 5_000
const LONGEST_INTERVAL_MS = 1_000
const SHORTEST_INTERVAL_MS = 10
/** Milliseconds a timer may be late without anything being wrong. */
const SLACK_MS = 20

/** What one connection did, and when. */
export class Pulse {
  readonly subject: PulseSubject
  readonly times: PulseTimes
  #heardAt = performance.now()
  #saidAt = this.#heardAt
  #movedAt = this.#heardAt
  #closedAt = 0
  #pending = 0
  #received = 0
  #sent = 0
  #asked = false
  /** The client is not listened to at the moment. */
  deaf = false

  constructor(subject: PulseSubject, times: PulseTimes) {
    this.subject = subject
    this.times = times
  }

  /** It is watched from now on, maybe again: nothing of before counts. */
  begun(): void {
    this.heard()
    this.said()
    this.#movedAt = this.#heardAt
    if (this.#closedAt > 0) this.closing()
  }

  /** Something came, were it a pong. */
  heard(): void {
    this.#heardAt = performance.now()
    this.#asked = false
  }

  /** A message went one way or the other. */
  said(): void {
    this.#saidAt = performance.now()
  }

  /** A close frame was sent. */
  closing(): void {
    this.#closedAt = performance.now()
  }

  check(now: number, writeMs: number): void {
    const { pending, bytesReceived = 0, bytesSent = 0 } = this.subject
    if (bytesReceived !== this.#received) this.heard()
    if (pending === 0 || pending !== this.#pending || bytesSent !== this.#sent) this.#movedAt = now
    this.#received = bytesReceived
    this.#sent = bytesSent
    this.#pending = pending
    if (writeMs > 0 && now - this.#movedAt >= writeMs) this.subject.dead()
    else if (this.#closedAt > 0) {
      if (pending === 0 && now - this.#closedAt >= CLOSE_MS) this.subject.dead()
    } else this.#checkOpen(now)
  }

  #checkOpen(now: number): void {
    const { pingMs, idleMs } = this.times
    if (this.#pending > 0) this.#heardAt = now
    const silence = now - this.#heardAt
    // Who is not listened to cannot answer; but a ping to who is gone fails, and that is told.
    if (pingMs > 0 && silence >= 2 * pingMs && this.deaf) this.heard()
    else if (pingMs > 0 && silence >= 2 * pingMs) this.subject.dead()
    else if (idleMs > 0 && now - this.#saidAt >= idleMs) this.subject.idle()
    else if (pingMs > 0 && silence >= pingMs && !this.#asked) {
      this.#asked = true
      this.subject.ping()
    }
  }
}

/**
 * Looks after all WebSockets of a listener, and its sessions of HTTP/2, by one timer that runs only
 * while there are any.
 */
export class PulseWatch {
  readonly #writeMs: number
  readonly #pulses = new Set<Pulse>()
  #timer: NodeJS.Timeout | undefined
  #interval = LONGEST_INTERVAL_MS
  #sweptAt = 0

  /** @param writeMs longest time a client may take nothing, in milliseconds; 0 for no limit */
  constructor(writeMs: number) {
    this.#writeMs = writeMs
  }

  begin(pulse: Pulse): void {
    pulse.begun()
    this.#pulses.add(pulse)
    const shortest = Math.min(...[this.#writeMs, ...Object.values(pulse.times)].filter(Boolean))
    const interval = Math.max(shortest / 4, SHORTEST_INTERVAL_MS)
    if (this.#timer !== undefined && interval >= this.#interval) return
    clearInterval(this.#timer)
    this.#interval = Math.min(interval, LONGEST_INTERVAL_MS)
    this.#sweptAt = performance.now()
    this.#timer = setInterval(() => this.#sweep(), this.#interval).unref()
  }

  end(pulse: Pulse): void {
    this.#pulses.delete(pulse)
    if (this.#pulses.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#interval = LONGEST_INTERVAL_MS
  }

  #sweep(): void {
    const now = performance.now()
    // The process stood still: what came meanwhile is not read yet, and nobody is to blame.
    const stood = now - this.#sweptAt > 2 * this.#interval + SLACK_MS
    this.#sweptAt = now
    for (const pulse of this.#pulses) {
      if (stood) pulse.heard()
      pulse.check(now, this.#writeMs)
    }
  }
}
