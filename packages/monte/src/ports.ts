/** An IP address, without brackets, and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A timer that was set. */
export interface Timer {
  /** It will not run; without effect where it has. */
  cancel(): void
}

/** Time: milliseconds that never go back, and timers. */
export interface Clock {
  now(): number
  /** Runs `callback` once, after `delayMs` or later. */
  schedule(delayMs: number, callback: () => void): Timer
}

/** A byte stream to one peer, which a session runs over: TCP, memory, a WebSocket, a relay. */
export interface Link {
  /** Address of the other end, where there is such a thing. */
  readonly remote: Address | undefined
  /** Sends chunks in order, as one write. False: more is queued than is sensible, wait for `onDrain`. Chunks are the link's until sent. */
  write(chunks: readonly Uint8Array[]): boolean
  /** Sends what is queued, then ends our direction. */
  end(): void
  /** Ends both directions at once. */
  destroy(): void
  /** Hands out no more bytes; one chunk may still come. */
  pause(): void
  /** Hands them out again. */
  resume(): void
  /** Says who hears of it; called once, before any event. */
  attach(receiver: LinkReceiver): void
}

/** Hears of a {@link Link}. */
export interface LinkReceiver {
  /** Bytes arrived; the chunk belongs to the receiver. */
  onData(chunk: Uint8Array): void
  /** After a `write` that gave false: everything given to it is sent. */
  onDrain(): void
  /** The peer ended its direction. */
  onEnd(): void
  /** The link is gone; the last event. */
  onClose(error?: Error): void
}

/** As much of an AbortSignal as a dial needs. */
export interface DialSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options: { once: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
