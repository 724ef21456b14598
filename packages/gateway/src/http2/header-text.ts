// oxlint-disable-next-line eslint/no-control-regex -- all of ASCII
const ASCII = /^[\0-\x7f]*$/
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Node gives the bytes of a field as latin1: the text they mean, by UTF-8 where they are valid. */
export function fieldText(bytes: string): string {
  if (ASCII.test(bytes)) return bytes
  try {
    return strict.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return bytes
  }
}

/** The other way: text as the latin1 string whose bytes are its UTF-8. */
export function fieldBytes(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}
