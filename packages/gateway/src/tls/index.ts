/**
 * Certificates for `@flatend/gateway`: from files, read again when they change, and by ACME.
 *
 * ```ts
 * import { createGateway } from '@flatend/gateway'
 * import { createCertificates } from '@flatend/gateway/tls'
 *
 * const gateway = createGateway({ ...options, certificates: createCertificates() })
 * await gateway.start()
 * gateway.certificates() // names, expiry, last error of each
 * ```
 *
 * @packageDocumentation
 */
export type { AcmePeers, PeerAnswer, PeerCertificate } from '../acme/peers.ts'
export { type Certificates, type CertificatesOptions, createCertificates } from './certificates.ts'
export type { CertificateClock } from './timers.ts'
