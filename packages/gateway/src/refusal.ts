import type { GatewayMetrics } from './metrics/meter.ts'
import type { GatewayLog } from './options.ts'

/** Why a client is turned away before there is a request, or because it stands still. */
export type RefusalReason =
  | 'malformed'
  | 'headers-too-large'
  | 'version'
  | 'connect'
  | 'head-timeout'
  | 'upload-timeout'
  | 'answer-timeout'
  | 'upload-too-fast'
  | 'broken-off'
  | 'shutdown'
  | 'plain-http'
  | 'tls'
  | 'tls-timeout'
  | 'http2'
  | 'vanished'
  | 'accept'

/** One client that was turned away. What it sent is in `sent` alone. */
export interface Refusal {
  readonly reason: RefusalReason
  /** Its IP address; empty where the connection is gone already. */
  readonly peer: string
  /** What it was answered; `undefined` where the connection was closed. */
  readonly status: number | undefined
  /** Beginning of what it sent, as {@link excerpt} gives it. */
  readonly sent?: string | undefined
  /** What the server below says: a code of its own. */
  readonly code?: string | undefined
}

/** Lines a second; more says no more, and fills disks. */
const MAX_LINES = 10
const SECOND_MS = 1_000
/** Characters of a peer's text. */
const MAX_TEXT = 80

/**
 * The beginning of a peer's text, fit for a log: one line, without a query, which may hold secrets;
 * what is not printable ASCII, quotes and backslashes as `\xNN`.
 */
export function excerpt(text: string): string {
  const line = /^[^\r\n?]*/.exec(text.slice(0, MAX_TEXT))?.[0] ?? ''
  return line.replaceAll(/[^ !#-[\]-~]/g, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** What a {@link RefusalLog} needs. */
export interface RefusalLogOptions {
  readonly log: GatewayLog
  readonly metrics: GatewayMetrics | undefined
  /** Milliseconds that only rise. */
  readonly clock: { now(): number }
}

/** Tells of clients that were turned away: counts all of them, logs a few. */
export class RefusalLog {
  readonly #options: RefusalLogOptions
  #since = Number.NEGATIVE_INFINITY
  #lines = 0
  #unsaid = 0

  constructor(options: RefusalLogOptions) {
    this.#options = options
  }

  /** @param address - of the listener, as written */
  add(refusal: Refusal, address: string): void {
    const { log, metrics, clock } = this.#options
    metrics?.refused?.(refusal.reason)
    const now = clock.now()
    if (now - this.#since >= SECOND_MS) {
      this.#since = now
      this.#lines = 0
    }
    if (this.#lines >= MAX_LINES) {
      this.#unsaid++
      return
    }
    this.#lines++
    const { reason, peer, status, sent, code } = refusal
    const unsaid = this.#unsaid === 0 ? {} : { unsaid: this.#unsaid }
    this.#unsaid = 0
    const answered = status ?? 'closed'
    log.info(
      { address, peer, reason, answered, ...texts({ code, sent }), ...unsaid },
      'a client was turned away',
    )
  }
}

function texts(all: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found = Object.entries(all).filter(([, text]) => text !== undefined && text !== '')
  return Object.fromEntries(found) as Record<string, string>
}
