import { RemoteProtocolError } from '@flatend/wire'

/** Fewer bytes of text prove nothing. */
const MIN_TEXT = 4
/** First bytes of a TLS alert and of a TLS handshake, version 3.x (RFC 8446 §5.1). */
const TLS_ALERT = 0x15
const TLS_HANDSHAKE = 0x16
const TLS_MAJOR = 3

/**
 * The error for who speaks another protocol where a key was expected; nothing where it may be a key.
 * That 32 random bytes are all printable happens once in 10^13 times.
 */
export function foreign(bytes: Uint8Array): RemoteProtocolError | undefined {
  const says = speech(bytes)
  if (says === undefined) return undefined
  return new RemoteProtocolError(
    'FLATEND_MONTE_FOREIGN',
    `the other side is no flatend node: it says ${says}`,
    { details: { says } },
  )
}

function speech(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  if ((first === TLS_ALERT || first === TLS_HANDSHAKE) && second === TLS_MAJOR && bytes.length < 32)
    return 'TLS'
  if (bytes.length < MIN_TEXT || !bytes.every(isText)) return undefined
  const [line = ''] = String.fromCharCode(...bytes).split(/[\r\n]/)
  return JSON.stringify(line)
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09
}
