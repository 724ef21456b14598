import { LocalProtocolError } from '@flatend/wire'

/** Limits and times of a session (protocol §4), each an option. */
export interface SessionLimits {
  /** From the first key to the last hello, in milliseconds. @default 5_000 */
  readonly handshakeMs: number
  /** Silence after which the peer is asked whether it lives, in milliseconds. @default 15_000 */
  readonly keepaliveMs: number
  /** Silence after which it is dead, in milliseconds; pings are spread over the time left. @default 25_000 */
  readonly deadMs: number
  /** {@link SessionLimits.keepaliveMs} while `channel.busy`. @default 2_000 */
  readonly busyKeepaliveMs: number
  /** {@link SessionLimits.deadMs} while `channel.busy`. @default 5_000 */
  readonly busyDeadMs: number
  /** Pings that stay unanswered before the peer is dead. @default 2 */
  readonly maxPings: number
  /** Pings of the peer taken at once; beyond, it is ended. @default 100 */
  readonly pingBurst: number
  /** Pings of the peer taken for ever, in a second. @default 10 */
  readonly pingsPerSecond: number
  /** How long a reply may take, in milliseconds. @default 5_000 */
  readonly replyMs: number
  /** How long the peer may take nothing while something waits, in milliseconds. @default 10_000 */
  readonly stallMs: number
  /** How long the peer may take to end its side after an orderly close, in milliseconds. @default 2_000 */
  readonly closeMs: number
  /** Queued bytes from which on `writable` is false. @default 262_144 */
  readonly highWaterMark: number
  /** Queued bytes above which the connection is closed. @default 8_388_608 */
  readonly maxQueued: number
  /** Services in a hello. @default 4_096 */
  readonly maxServices: number
  /** Metadata pairs in a hello. @default 128 */
  readonly maxHeaders: number
  /** Bytes of one metadata value. @default 8_192 */
  readonly maxHeaderValue: number
  /** Bytes of all metadata. @default 32_768 */
  readonly maxHeaderBytes: number
}

/** The values used unless told otherwise: protocol §4. */
export const DEFAULT_LIMITS: SessionLimits = {
  handshakeMs: 5_000,
  keepaliveMs: 15_000,
  deadMs: 25_000,
  busyKeepaliveMs: 2_000,
  busyDeadMs: 5_000,
  maxPings: 2,
  pingBurst: 100,
  pingsPerSecond: 10,
  replyMs: 5_000,
  stallMs: 10_000,
  closeMs: 2_000,
  highWaterMark: 262_144,
  maxQueued: 8_388_608,
  maxServices: 4_096,
  maxHeaders: 128,
  maxHeaderValue: 8_192,
  maxHeaderBytes: 32_768,
}

/**
 * The defaults with `limits` in their place.
 * @throws LocalProtocolError `FLATEND_MONTE_LIMIT` for a name that is none, or a number not above 0
 */
export function withDefaults(limits: Partial<SessionLimits> = {}): SessionLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw unusable(`there is no limit "${name}"`)
    if (!Number.isFinite(value) || value <= 0)
      throw unusable(`limit ${name} is ${value}: use a number above 0`)
  }
  return { ...DEFAULT_LIMITS, ...limits }
}

function unusable(message: string): LocalProtocolError {
  return new LocalProtocolError('FLATEND_MONTE_LIMIT', message)
}
