import { LocalProtocolError } from '@flatend/wire'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
/** The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian. */
const ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
/** 2^255 - 19, little-endian. */
const PRIME = fromHex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')
/** y of the points of order 1, 2, 4 and 8; the sign bit does not matter. */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(fromHex)

/** @throws LocalProtocolError unless `bytes` are 32 */
export function requireKey(name: string, bytes: Uint8Array): void {
  if (bytes.length === KEY_LENGTH) return
  throw new LocalProtocolError(
    'FLATEND_MONTE_KEY_LENGTH',
    `${name} has ${bytes.length} bytes, ${KEY_LENGTH} are needed`,
    { details: { length: bytes.length } },
  )
}

/** Our own mistake: sealing under a key that was overwritten. */
export function destroyedCipher(): LocalProtocolError {
  return new LocalProtocolError('FLATEND_MONTE_DESTROYED', 'the key of this cipher was overwritten')
}

/**
 * What both libraries leave open in RFC 8032 §5.1.7 and we do not: keys are canonical and of large
 * order (anybody could sign for the others), and S is below the order of the base point, so that
 * nobody makes a second signature of a first.
 */
export function strictEd25519(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false
  const y = publicKey.slice()
  y[31] = (y[31] as number) & 0x7f
  if (!below(y, PRIME)) return false
  if (SMALL_ORDER.some((point) => point.every((byte, i) => byte === y[i]))) return false
  return below(signature.subarray(KEY_LENGTH), ORDER)
}

/** a < b, little-endian; both are public. */
function below(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = KEY_LENGTH - 1; i >= 0; i--) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
