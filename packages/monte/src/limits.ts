import { LocalProtocolError } from '@flatend/wire'

/** Limits and times of a session (protocol §4), each an option. */
export interface SessionLimits {
  /** From the first key to the last hello, in milliseconds. @default 5_000 */
  readonly handshakeMs: number
  /** Silence after which the peer is asked whether it lives, in milliseconds. @default 15_000 */
  readonly keepaliveMs: number
  /** Unanswered pings after which it is dead. @default 2 */
  readonly maxPings: number
  /** How long a reply may take, in milliseconds. @default 5_000 */
  readonly replyMs: number
  /** How long the peer may take nothing while something waits, in milliseconds. @default 10_000 */
  readonly stallMs: number
  /** How long an orderly close may take, in milliseconds. @default 2_000 */
  readonly closeMs: number
  /** Queued bytes above which `writable` is false. @default 262_144 */
  readonly highWaterMark: number
  /** Queued bytes that are never exceeded. @default 8_388_608 */
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

/** The values used unless told otherwise. */
export const DEFAULT_LIMITS: SessionLimits = {
  handshakeMs: 5_000,
  keepaliveMs: 15_000,
  maxPings: 2,
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

export function withDefaults(limits: Partial<SessionLimits> = {}): SessionLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isFinite(value) || value <= 0) {
      throw new LocalProtocolError(
        'FLATEND_MONTE_LIMIT',
        `limit ${name} is ${value}: use a number above 0`,
      )
    }
  }
  return { ...DEFAULT_LIMITS, ...limits }
}
