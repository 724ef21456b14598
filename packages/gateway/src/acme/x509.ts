import type { Buffer } from 'node:buffer'
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { bits, der, integer, octets, oid, sequence, set, tagged, time, utf8 } from './der.ts'

const ECDSA_WITH_SHA256 = oid('1.2.840.10045.4.3.2')
const COMMON_NAME = oid('2.5.4.3')
const SUBJECT_ALT_NAME = oid('2.5.29.17')
const EXTENSION_REQUEST = oid('1.2.840.113549.1.9.14')
const DAY_MS = 86_400_000
const PLACEHOLDER_DAYS = 90

/** A new key on P-256, which every client knows. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** PKCS #8, PEM. */
export function keyText(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A certificate request (RFC 2986) for one host: no subject, the name as alternative name. */
export function certificateRequest(domain: string, key: KeyObject): Buffer {
  const extensions = sequence(altName(domain))
  const info = sequence(
    integer(Uint8Array.of(0)),
    sequence(),
    publicKeyInfo(key),
    tagged(0, sequence(EXTENSION_REQUEST, set(extensions))),
  )
  return signed(info, key)
}

/**
 * A certificate signed by its own key, PEM: what a listener begins with before there is one of a CA.
 * @param now - milliseconds since 1970
 */
export function placeholder(domain: string, key: KeyObject, now: number): string {
  const name = sequence(set(sequence(COMMON_NAME, utf8('flatend placeholder'))))
  const serial = randomBytes(16)
  serial[0] = 0x40 | ((serial[0] as number) & 0x3f)
  const info = sequence(
    tagged(0, integer(Uint8Array.of(2))),
    integer(serial),
    sequence(ECDSA_WITH_SHA256),
    name,
    sequence(time(now - DAY_MS), time(now + PLACEHOLDER_DAYS * DAY_MS)),
    name,
    publicKeyInfo(key),
    tagged(3, sequence(altName(domain))),
  )
  const text = signed(info, key)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
}

function altName(domain: string): Buffer {
  // [2] dNSName, primitive (RFC 5280 §4.2.1.6).
  return sequence(SUBJECT_ALT_NAME, octets(sequence(der(0x82, new TextEncoder().encode(domain)))))
}

function publicKeyInfo(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

function signed(info: Buffer, key: KeyObject): Buffer {
  return sequence(info, sequence(ECDSA_WITH_SHA256), bits(sign('sha256', info, key)))
}
