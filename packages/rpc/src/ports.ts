import type { Writer } from '@flatend/wire'

/** A timer that was set. */
export interface Timer {
  cancel(): void
}

/** Time: milliseconds that never go back, and timers. */
export interface Clock {
  now(): number
  schedule(delayMs: number, callback: () => void): Timer
}

/** Messages to one peer: what streams need of a session. */
export interface Channel {
  /** 2, or 1 for a peer of 2020. */
  readonly version: 1 | 2
  /** Whether this side dialed. */
  readonly dialer: boolean
  /** False while more is queued than is sensible. */
  readonly writable: boolean
  /** Set while calls run: a peer that falls silent then is given up sooner (protocol §4). */
  busy?: boolean
  /** Begins a message; fill the writer, then `end`. Nothing else may happen on the channel between. */
  begin(seq: number, opcode: number): Writer
  /** Ends it; `payload` follows what was written and must not be changed any more. */
  end(payload?: Uint8Array): void
  /** Forgets what was begun. */
  abort(): void
  /** Stops reading what the peer sends; for v1, which has no credit. */
  pause(): void
  resume(): void
}

/** Flat list: name, value, name, value …; order and repeats kept. */
export type HeaderList = readonly string[]

/** One call of a service. */
export interface CallRequest {
  /** Services in order of preference; the first the peer offers handles the call. */
  readonly services: readonly string[]
  readonly headers: HeaderList
  /** The call ends after this long at the latest, on both sides, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  /** May be run twice without harm. @default false */
  readonly idempotent?: boolean
  /** Calls of one key go to one provider while that is there. @default any provider */
  readonly key?: string | Uint8Array
  /** Asked before the call goes to another provider than the first. @default it may */
  readonly retry?: () => boolean
  /** Told each time another provider has it. */
  readonly onRetry?: () => void
}
