import type { GatewayLog } from '../options.ts'
import type { CertificateClock } from '../tls/timers.ts'
import { certificateId } from './certificate-id.ts'
import type { ManagedDomain } from './managed-domain.ts'
import { renewalTime, retryDelay, suggestedTime } from './renewal.ts'
import { askRenewalInfo, type RenewalInfo, type RenewalQuestion } from './renewal-info.ts'

/**
 * Certificates replaced before their time, at the most, because a CA says so: one a day for each
 * domain, so that a CA that always says "now" is not asked for one after the other.
 */
const SUGGESTED_EVERY_MS = 86_400_000
/** A CA is not asked more often than this, whoever has a reason to, in milliseconds. */
const MIN_PAUSE_MS = 60_000
/** After a start: other gateways are to be known by then, or each would order for itself. */
const FIRST_MS = 3_000

/** What a {@link RenewalWatch} needs. */
export interface RenewalWatchOptions {
  readonly clock: CertificateClock
  /** Whom to ask, as of now. */
  readonly question: () => RenewalQuestion
  readonly log: GatewayLog
  /** In [0, 1). */
  readonly random: () => number
  /** Milliseconds before the second attempt where a CA cannot be asked. */
  readonly retryMs: number
  /** Runs one thing after the other. */
  readonly enqueue: (task: () => Promise<unknown>) => void
  /** A certificate is to be replaced at another time. */
  readonly onPlan: (managed: ManagedDomain, at: number) => void
}

/** Asks a CA again and again when to replace certificates: how it says that one is revoked. */
export class RenewalWatch {
  readonly #options: RenewalWatchOptions

  constructor(options: RenewalWatchOptions) {
    this.#options = options
  }

  /** A certificate is served from now on. */
  follow(managed: ManagedDomain): void {
    managed.id = managed.placeholder ? undefined : certificateId(managed.current.certificate)
    managed.askFailures = 0
    // What is between CA and CA's client is said in the certificate; without it there is no asking.
    if (managed.id === undefined) managed.setAskTimer(() => {})
    else this.#plan(managed, FIRST_MS)
  }

  /** Somebody has a reason to ask before it is time. */
  hurry(managed: ManagedDomain): void {
    const { clock } = this.#options
    const pause = managed.askedAt + MIN_PAUSE_MS - clock.now()
    if (managed.id !== undefined) this.#plan(managed, Math.max(0, pause))
  }

  #plan(managed: ManagedDomain, delayMs: number): void {
    const { clock, enqueue } = this.#options
    const due = (): void => enqueue(() => this.#ask(managed))
    managed.setAskTimer(clock.setTimer(due, delayMs))
  }

  /** Never rejects. */
  async #ask(managed: ManagedDomain): Promise<void> {
    const { clock, random, retryMs, log } = this.#options
    const { id, domain } = managed
    if (managed.closed || id === undefined) return
    managed.askedAt = clock.now()
    try {
      const { info, againMs } = await askRenewalInfo(id, this.#options.question())
      if (managed.closed || managed.id !== id) return
      managed.askFailures = 0
      this.#plan(managed, againMs)
      if (info) this.#heed(managed, info)
    } catch (error) {
      if (managed.closed || managed.id !== id) return
      const failures = ++managed.askFailures
      const options = { failures, baseMs: retryMs, retryAfterMs: undefined, random: random() }
      this.#plan(managed, Math.max(MIN_PAUSE_MS, retryDelay(options)))
      const reason = error instanceof Error ? error.message : String(error)
      log.warn({ domain, reason, failures }, 'the CA does not say when to replace a certificate')
    }
  }

  #heed(managed: ManagedDomain, info: RenewalInfo): void {
    // It is due already: attempts that fail, and other gateways, are waited for by pauses of their own.
    if (managed.failures > 0 || managed.waits > 0) return
    const { clock, log, onPlan } = this.#options
    const { current, share, domain } = managed
    const now = clock.now()
    const own = renewalTime(current, share)
    let at = suggestedTime(info, { notAfter: current.notAfter, own, share })
    if (at <= now && now < own) {
      if (now - managed.suggestedAt < SUGGESTED_EVERY_MS) at = own
      else managed.suggestedAt = now
    }
    if (at === managed.renewAt) return
    onPlan(managed, at)
    const when = { renewAt: new Date(at).toISOString(), explanation: info.explanation }
    log.info({ domain, ...when }, 'the CA suggests when to replace a certificate')
  }
}
