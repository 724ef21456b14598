/** Control characters but for line feeds and tabs, and characters that turn the direction of text. */
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu

/** Text of others for a terminal, which must not obey it: what is no text is spelled out. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}
