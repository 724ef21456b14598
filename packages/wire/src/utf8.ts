const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/** Below this many units a loop over char codes beats the call into the encoder or decoder. */
const SHORT = 48

/** Number of bytes of `text` in UTF-8. Unpaired surrogates count as U+FFFD, as they are encoded. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      // A pair is two units and four bytes.
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00

/**
 * Writes `text` at `offset` and returns the number of bytes written, or -1 where it does not fit.
 */
export function utf8Write(text: string, target: Uint8Array, offset: number): number {
  const length = text.length
  if (length <= SHORT && offset + length <= target.length) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      target[offset + i] = unit
    }
    if (i === length) return length
  }
  const { read, written } = encoder.encodeInto(text, target.subarray(offset))
  return read === length ? written : -1
}

/** Decodes UTF-8; `undefined` where the bytes are not valid and `replace` is false. */
export function utf8Read(bytes: Uint8Array, replace: boolean): string | undefined {
  if (bytes.length <= SHORT) {
    let text = ''
    let i = 0
    for (; i < bytes.length; i++) {
      const byte = bytes[i] as number
      if (byte >= 0x80) break
      text += String.fromCharCode(byte)
    }
    if (i === bytes.length) return text
  }
  if (replace) return lossy.decode(bytes)
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}
