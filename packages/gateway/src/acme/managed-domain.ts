import type { CertificateState } from '../certificate-source.ts'
import type { Certificate } from '../tls/certificate.ts'

/** One domain of a CA: what is served now, and how it goes on. */
export class ManagedDomain {
  readonly domain: string
  /** Told of each new certificate. */
  readonly listeners: Set<() => void> = new Set()
  current: Certificate
  /** `current` is signed by ourselves. */
  placeholder: boolean
  /** When the next attempt is due, in milliseconds since 1970. */
  renewAt = 0
  failures = 0
  lastError: string | undefined
  /** Times in a row that another gateway was waited for. */
  waits = 0
  /** What the CA calls the certificate by, where it can be asked about it. */
  id: string | undefined
  /** When it was asked last, in milliseconds since 1970, and how often in a row it did not answer. */
  askedAt: number = Number.NEGATIVE_INFINITY
  askFailures = 0
  /** When the CA last had it replaced before its time, in milliseconds since 1970. */
  suggestedAt: number = Number.NEGATIVE_INFINITY
  /** It is on disk. */
  kept = false
  /** Where in a window of time it is replaced, in [0, 1). */
  share = 0
  /** Other gateways are about to be asked, because one of them said so. */
  asking = false
  closed = false
  #cancel = (): void => {}
  #cancelAsk = (): void => {}

  constructor(domain: string, current: Certificate, placeholder: boolean) {
    this.domain = domain
    this.current = current
    this.placeholder = placeholder
  }

  /** The timer of the next attempt; `cancel` stops it. */
  setTimer(cancel: () => void): void {
    this.#cancel()
    this.#cancel = cancel
    if (this.closed) cancel()
  }

  /** The timer of the next question to the CA. */
  setAskTimer(cancel: () => void): void {
    this.#cancelAsk()
    this.#cancelAsk = cancel
    if (this.closed) cancel()
  }

  take(next: Certificate): void {
    this.current = next
    this.placeholder = false
    this.failures = 0
    this.lastError = undefined
    this.waits = 0
  }

  close(): void {
    this.closed = true
    this.#cancel()
    this.#cancelAsk()
  }

  state(origin: string): CertificateState {
    const { current, placeholder, renewAt, failures, lastError } = this
    return {
      names: [this.domain],
      source: 'acme',
      origin,
      issuer: current.issuer,
      notBefore: current.notBefore,
      notAfter: current.notAfter,
      placeholder,
      renewAt,
      failures,
      lastError,
    }
  }
}
