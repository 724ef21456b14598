import type { SecureContextOptions } from 'node:tls'

/**
 * TLS 1.2 with forward secrecy and authenticated encryption alone, as Mozilla's "intermediate" list
 * (version 5.7) has it without finite-field Diffie-Hellman. TLS 1.3 has suites of its own.
 */
export const CIPHERS: string = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** What every TLS context of a listener has, whatever its certificate. */
export const TLS_OPTIONS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  // All of them are good: the client knows what it is quick at.
  honorCipherOrder: false,
  ecdhCurve: 'X25519:prime256v1:secp384r1',
}
