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
  /** Other gateways are about to be asked, because one of them said so. */
  asking = false
  closed = false
  #cancel = (): void => {}

  constructor(domain: string, current: Certificate, placeholder: boolean) {
    this.domain = domain
    this.current = current
    this.placeholder = placeholder
  }

  /** The one timer of this domain; `cancel` stops it. */
  setTimer(cancel: () => void): void {
    this.#cancel()
    this.#cancel = cancel
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
