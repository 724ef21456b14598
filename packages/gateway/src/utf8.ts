const encoder = new TextEncoder()

/** `text` as UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Number of bytes of `text` in UTF-8. Unpaired surrogates count as U+FFFD, as they are encoded. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else {
      bytes += 2
      // A pair is two units and four bytes.
      if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++
    }
  }
  return bytes
}
