/** Values read of one certificate at the most: real ones have a few dozen on the way that is gone. */
const MAX_VALUES = 1_000

/** One value in DER: what it is and its content. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
}

/**
 * The values that stand in `bytes` one after the other, what is inside them unread.
 * @throws RangeError where the bytes are no DER
 */
export function readValues(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length; ) {
    const { start, length } = readLength(bytes, at + 1)
    const end = start + length
    if (end > bytes.length || values.length >= MAX_VALUES) throw new RangeError('no DER')
    values.push({ tag: bytes[at] as number, content: bytes.subarray(start, end) })
    at = end
  }
  return values
}

/** X.690 §8.1.3: one byte, or the number of bytes that follow and say it. */
function readLength(bytes: Uint8Array, at: number): { start: number; length: number } {
  const first = bytes[at]
  if (first === undefined) throw new RangeError('no DER')
  if (first < 0x80) return { start: at + 1, length: first }
  const count = first & 0x7f
  if (count === 0 || count > 4 || at + count >= bytes.length) throw new RangeError('no DER')
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + (bytes[at + i] as number)
  return { start: at + 1 + count, length }
}
