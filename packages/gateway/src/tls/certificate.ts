import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

/** A certificate with its key, read and found to belong together. Times: milliseconds since 1970. */
export interface Certificate {
  /** Chain, PEM, the certificate itself first. */
  readonly certificate: string
  readonly key: string
  /** Host names it is for. */
  readonly names: readonly string[]
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
}

/** Why a certificate or a key cannot be used. */
export class CertificateProblemError extends Error {
  readonly part: 'certificate' | 'key'

  constructor(part: 'certificate' | 'key', message: string) {
    super(message)
    this.part = part
  }
}

/**
 * Reads a certificate and its key.
 *
 * @param now - milliseconds since 1970
 * @throws CertificateProblemError where one is not PEM or not readable, the key is another one's, or
 *   the certificate has expired.
 */
export function readCertificate(certificate: string, key: string, now: number): Certificate {
  const x509 = attempt('certificate', certificate, () => new X509Certificate(certificate))
  const privateKey = attempt('key', key, (): KeyObject => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey)) {
    throw new CertificateProblemError('key', 'it is the key of another certificate')
  }
  attempt('certificate', certificate, () => createSecureContext({ cert: certificate, key }))
  const notAfter = Date.parse(x509.validTo)
  if (notAfter <= now) {
    const day = new Date(notAfter).toISOString()
    throw new CertificateProblemError('certificate', `it has expired, at ${day}`)
  }
  return {
    certificate,
    key,
    names: namesOf(x509),
    issuer: commonName(x509.issuer),
    notBefore: Date.parse(x509.validFrom),
    notAfter,
  }
}

/** Whether a certificate is for a host, by itself or by a wildcard. */
export function covers({ names }: Pick<Certificate, 'names'>, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return names.some((name) => name === host || name === `*.${parent}`)
}

function attempt<T>(part: 'certificate' | 'key', text: string, read: () => T): T {
  if (!text.includes('-----BEGIN ')) throw new CertificateProblemError(part, 'it is not PEM')
  try {
    return read()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const secret =
      code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED'
    const reason = secret ? 'it needs a passphrase: give a key without one' : message
    throw new CertificateProblemError(part, reason)
  }
}

/** DNS names of the alternative names (RFC 6125 §6.4.4: the common name only where there are none). */
function namesOf(x509: X509Certificate): readonly string[] {
  const names = [...(x509.subjectAltName ?? '').matchAll(/DNS:([^,\s"]+)/g)]
  const found = names.map(([, name]) => (name as string).toLowerCase())
  if (found.length > 0) return found
  const common = commonName(x509.subject)
  return common === '' ? [] : [common.toLowerCase()]
}

/** Node writes a name as one attribute a line. */
function commonName(name: string): string {
  return /^CN=(.*)$/m.exec(name)?.[1] ?? name.split('\n')[0] ?? ''
}
