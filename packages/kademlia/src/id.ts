/** Bytes of an id: a raw Ed25519 public key (discovery §1). */
export const ID_LENGTH = 32
/** Bits of an id, and buckets of a table. */
export const ID_BITS = 256

/** Bits two ids have in common from the first on: 0 to 256. */
export function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ID_LENGTH; i++) {
    const difference = (a[i] as number) ^ (b[i] as number)
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24
  }
  return ID_BITS
}

/** Negative where `a` is nearer to `target` by the XOR metric, positive where `b` is (paper §2.1). */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ID_LENGTH; i++) {
    const t = target[i] as number
    const difference = ((a[i] as number) ^ t) - ((b[i] as number) ^ t)
    if (difference !== 0) return difference
  }
  return 0
}

/** Negative where `a` comes first as a number. */
export function compareIds(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ID_LENGTH; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether both are there and the same. */
export function sameKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && compareIds(a, b) === 0
}

const DIGITS = new TextEncoder().encode('0123456789abcdef')
const digits: number[] = []

/** Lower-case hex, for maps and logs: made at once, as it is on the way of every message. */
export function toHex(id: Uint8Array): string {
  digits.length = id.length * 2
  for (let i = 0; i < id.length; i++) {
    const byte = id[i] as number
    digits[i * 2] = DIGITS[byte >>> 4] as number
    digits[i * 2 + 1] = DIGITS[byte & 15] as number
  }
  return String.fromCharCode(...digits)
}
