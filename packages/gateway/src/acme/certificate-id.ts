import { Buffer } from 'node:buffer'
import { X509Certificate } from 'node:crypto'
import { readValues } from './der-reader.ts'

const INTEGER = 0x02
const OCTETS = 0x04
const SEQUENCE = 0x30
/** `[3]` of a TBSCertificate: its extensions. */
const EXTENSIONS = 0xa3
/** `[0]` of an AuthorityKeyIdentifier: the key's identifier. */
const KEY_IDENTIFIER = 0x80
/** 2.5.29.35, as DER has it. */
const AUTHORITY_KEY = '551d23'

/**
 * What a CA calls a certificate by in ACME Renewal Information (RFC 9773 §4.1): identifier of the
 * CA's key and serial number, in base64url. `undefined` where the certificate does not say both.
 * @param certificate - chain, PEM, the certificate itself first
 */
export function certificateId(certificate: string): string | undefined {
  try {
    return idOf(new X509Certificate(certificate).raw)
  } catch {
    return undefined
  }
}

function idOf(raw: Uint8Array): string | undefined {
  const body = readValues(readValues(raw)[0]?.content ?? raw)[0]?.content ?? raw
  const fields = readValues(body)
  // The version stands before it, tagged. Bytes as they are: a zero in front keeps it positive.
  const serial = fields.find(({ tag }) => tag === INTEGER)
  const list = fields.find(({ tag }) => tag === EXTENSIONS)
  const authority = list && authorityKey(list.content)
  if (serial === undefined || authority === undefined) return undefined
  return `${text(authority)}.${text(serial.content)}`
}

function authorityKey(list: Uint8Array): Uint8Array | undefined {
  for (const extension of readValues(readValues(list)[0]?.content ?? list)) {
    const [name, ...rest] = readValues(extension.content)
    if (name === undefined || Buffer.from(name.content).toString('hex') !== AUTHORITY_KEY) continue
    const value = rest.find(({ tag }) => tag === OCTETS)
    const inner = value && readValues(value.content).find(({ tag }) => tag === SEQUENCE)
    return inner && readValues(inner.content).find(({ tag }) => tag === KEY_IDENTIFIER)?.content
  }
  return undefined
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
