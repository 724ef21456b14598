import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { CertificateEntry } from '../driver.ts'
import { GatewayError } from '../errors.ts'
import { TLS_OPTIONS } from './tls-options.ts'

/**
 * Checks that every entry has a certificate and the key that belongs to it.
 *
 * @throws GatewayError `FLATEND_GATEWAY_CONFIG`
 */
export function checkCertificates(entries: readonly CertificateEntry[]): void {
  if (entries.length === 0) {
    throw new GatewayError('FLATEND_GATEWAY_CONFIG', 'a TLS listener needs a certificate')
  }
  for (const entry of entries) checkOne(entry)
}

function checkOne({ certificate, key, names }: CertificateEntry): void {
  const which = names.length > 0 ? `certificate for ${names.join(', ')}` : 'certificate'
  let belongs: boolean
  try {
    belongs = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
    createSecureContext({ cert: certificate, key })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('FLATEND_GATEWAY_CONFIG', `${which}: ${message}`, { cause })
  }
  if (!belongs) {
    throw new GatewayError('FLATEND_GATEWAY_CONFIG', `${which}: the key is another one's`)
  }
}

/** The entry for clients that name no host, or one that no entry names. */
export function defaultEntry(entries: readonly CertificateEntry[]): CertificateEntry {
  return entries.find((entry) => entry.names.length === 0) ?? (entries[0] as CertificateEntry)
}

interface ContextTable {
  readonly exact: Map<string, SecureContext>
  /** By what follows `*.`. */
  readonly wildcard: Map<string, SecureContext>
  readonly standard: SecureContext
  readonly entry: CertificateEntry
}

/** Certificates by host name, ready for TLS; replaced as a whole. */
export class SecureContexts {
  #table: ContextTable

  /** @throws GatewayError `FLATEND_GATEWAY_CONFIG` */
  constructor(entries: readonly CertificateEntry[]) {
    this.#table = buildTable(entries)
  }

  /** What `tls.createServer` is given for clients that name no host. */
  get standard(): { readonly cert: string; readonly key: string } {
    const { certificate: cert, key } = this.#table.entry
    return { cert, key }
  }

  /** @throws GatewayError `FLATEND_GATEWAY_CONFIG`; then the old ones stay. */
  set(entries: readonly CertificateEntry[]): void {
    this.#table = buildTable(entries)
  }

  /** For `name` itself, else for `*.` and what follows its first label, else the default. */
  find(name: string): SecureContext {
    const { exact, wildcard, standard } = this.#table
    const host = name.toLowerCase()
    const parent = host.slice(host.indexOf('.') + 1)
    return exact.get(host) ?? wildcard.get(parent) ?? standard
  }
}

function buildTable(entries: readonly CertificateEntry[]): ContextTable {
  checkCertificates(entries)
  const entry = defaultEntry(entries)
  const exact = new Map<string, SecureContext>()
  const wildcard = new Map<string, SecureContext>()
  for (const { names, certificate: cert, key } of entries) {
    const context = createSecureContext({ ...TLS_OPTIONS, cert, key })
    for (const name of names.map((each) => each.toLowerCase())) {
      const map = name.startsWith('*.') ? wildcard : exact
      const host = name.startsWith('*.') ? name.slice(2) : name
      if (!map.has(host)) map.set(host, context)
    }
  }
  const { certificate: cert, key } = entry
  return { exact, wildcard, entry, standard: createSecureContext({ ...TLS_OPTIONS, cert, key }) }
}
