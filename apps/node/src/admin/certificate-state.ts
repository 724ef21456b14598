import { X509Certificate } from 'node:crypto'
import type { CertificateEntry } from '@flatend/gateway'

/** A certificate in use. */
export interface CertificateState {
  /** Host names it is configured for, or those in it. */
  readonly names: readonly string[]
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const known = new WeakMap<CertificateEntry, CertificateState>()

/** What the certificates say of themselves; parsed once each. */
export function certificateStates(entries: readonly CertificateEntry[]): CertificateState[] {
  const states = new Map<string, CertificateState>()
  for (const entry of entries) {
    const state = known.get(entry) ?? read(entry)
    if (state === undefined) continue
    known.set(entry, state)
    states.set(`${state.names.join()} ${state.expiresAt}`, state)
  }
  return [...states.values()]
}

function read({ certificate, names }: CertificateEntry): CertificateState | undefined {
  try {
    const x509 = new X509Certificate(certificate)
    const own = (x509.subjectAltName ?? '').split(', ').map((name) => name.replace(/^[\w ]+:/, ''))
    return {
      names: names.length > 0 ? names : own.filter((name) => name !== ''),
      issuer: x509.issuer.replaceAll('\n', ', '),
      expiresAt: Date.parse(x509.validTo),
    }
  } catch {
    // The driver has checked it before; what it cannot read it does not serve.
    return undefined
  }
}
