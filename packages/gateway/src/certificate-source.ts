import type { ListenerConfig, SourcePosition } from './config/types.ts'
import type { CertificateEntry } from './driver.ts'

/** What is known of one certificate of a gateway. Times are milliseconds since 1970. */
export interface CertificateState {
  /** Host names it is for. */
  readonly names: readonly string[]
  readonly source: 'file' | 'acme'
  /** The file's name, or the URL of the CA's directory. */
  readonly origin: string
  /** Who signed it, as the certificate says. */
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
  /** Signed by the gateway itself, until the CA gives the first real one. */
  readonly placeholder: boolean
  /** When another one is asked for; `undefined` for files. */
  readonly renewAt: number | undefined
  /** Attempts to renew or reload since the last that went well. */
  readonly failures: number
  /** Why the last attempt failed. */
  readonly lastError: string | undefined
}

/** What is wrong with what a listener's configuration says of certificates. */
export interface CertificateProblem {
  /** Below the listener, such as `tls.key`. */
  readonly key: string
  readonly where: SourcePosition
  readonly message: string
}

/** Certificates of one listener. */
export interface OpenCertificates {
  /** What to begin with; empty only where there are problems. */
  readonly entries: readonly CertificateEntry[]
  readonly problems: readonly CertificateProblem[]
  /** No more changes are wanted. */
  close(): void
}

/** The gateway's port to certificates: `createCertificates()` of `@flatend/gateway/tls`. */
export interface CertificateSource {
  /**
   * Certificates of an HTTPS listener. Never throws for what the configuration says.
   * @param onChange - told all certificates of the listener, each time one of them is replaced
   */
  open(
    listener: ListenerConfig,
    onChange: (entries: readonly CertificateEntry[]) => void,
  ): Promise<OpenCertificates>
  /** The answer to a CA's HTTP-01 challenge, or nothing where the token is not known. */
  challenge(token: string): Promise<string | undefined>
  /** All certificates there are, and how they are. */
  states(): readonly CertificateState[]
}
