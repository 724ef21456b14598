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

/** Texts up to this length are remembered: names of services and headers come again and again. */
const REMEMBERED = 24
/** A power of two. One text a slot, the last one read: the memory this takes is bounded. */
const SLOTS = 512
const remembered: (string | undefined)[] = Array.from({ length: SLOTS })

/** Decodes `bytes` from `start` to `end` as UTF-8; `undefined` where they are not valid. */
export function utf8Read(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = short(bytes, start, end)
  if (text !== undefined) return text
  try {
    return strict.decode(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

/** The same with U+FFFD in the place of what is not valid. */
export function utf8ReadLossy(bytes: Uint8Array, start: number, end: number): string {
  return short(bytes, start, end) ?? lossy.decode(bytes.subarray(start, end))
}

function short(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start
  if (length <= REMEMBERED) return recall(bytes, start, end)
  return length <= SHORT ? ascii(bytes, start, end) : undefined
}

/** `undefined` where it is not ASCII. */
function ascii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte >= 0x80) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** The same without making a text that was made before. */
function recall(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = end - start
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
  const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1)
  const known = remembered[slot]
  if (known !== undefined && equals(known, bytes, start) && known.length === end - start)
    return known
  const text = ascii(bytes, start, end)
  if (text !== undefined) remembered[slot] = text
  return text
}

function equals(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false
  }
  return true
}
