// A self-signed Ed25519 certificate (RFC 5280, RFC 8410), made afresh for every run: Node can read
// certificates but not make them.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const SEQUENCE = 0x30
const SET = 0x31
const CONTEXT_0 = 0xa0
const CONTEXT_3 = 0xa3
const OCTETS = 0x04
/** AlgorithmIdentifier { 1.3.101.112 }: Ed25519 (RFC 8410 §3). */
const ED25519 = Buffer.from('300506032b6570', 'hex')
/** 2.5.4.3, commonName. */
const COMMON_NAME = Buffer.from('0603550403', 'hex')
/** 2.5.29.17, subjectAltName (RFC 5280 §4.2.1.6). */
const ALT_NAME = Buffer.from('0603551d11', 'hex')

/**
 * @param {number} tag
 * @param {...Buffer} parts
 */
function der(tag, ...parts) {
  const content = Buffer.concat(parts)
  const { length: size } = content
  // DER takes the shortest form of a length: Go refuses any other.
  const long = size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  const length = Buffer.from(size < 0x80 ? [size] : long)
  return Buffer.concat([Buffer.of(tag), length, content])
}

/** @param {Date} date */
function utcTime(date) {
  const digits = date.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

/** Every certificate is for this machine, by name and by address. */
function altNames() {
  const names = der(
    SEQUENCE,
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.of(127, 0, 0, 1)),
  )
  return der(CONTEXT_3, der(SEQUENCE, der(SEQUENCE, ALT_NAME, der(OCTETS, names))))
}

/** @param {string} name */
export function selfSigned(name) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const day = 86_400_000
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name)))))
  const serial = randomBytes(8)
  serial[0] = 1
  const body = der(
    SEQUENCE,
    der(CONTEXT_0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ED25519,
    subject,
    der(SEQUENCE, utcTime(new Date(Date.now() - day)), utcTime(new Date(Date.now() + day))),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    altNames(),
  )
  const signature = der(0x03, Buffer.of(0), sign(null, body, privateKey))
  const certificate = der(SEQUENCE, body, ED25519, signature).toString('base64')
  const lines = certificate.match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  }
}
