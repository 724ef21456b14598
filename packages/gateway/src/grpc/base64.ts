/** Characters of one call of `String.fromCharCode`. */
const PIECE = 8_192

function textOf(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += PIECE) {
    text += String.fromCharCode(...bytes.subarray(i, i + PIECE))
  }
  return text
}

/** `bytes` in base64, padded, as ASCII. */
export function toBase64(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(btoa(textOf(bytes)))
}

/** Decodes base64 that comes in pieces; padding may stand wherever its sender flushed. */
export class Base64Decoder {
  #rest = ''

  /** Whether a group of four is not complete. */
  get pending(): boolean {
    return this.#rest !== ''
  }

  /** @throws Error where it is no base64 */
  decode(chunk: Uint8Array): Uint8Array {
    const text = this.#rest + textOf(chunk)
    const usable = text.length - (text.length % 4)
    this.#rest = text.slice(usable)
    const groups = text.slice(0, usable).match(/[^=]+={0,2}|=+/g) ?? []
    const decoded = groups.map((group) => atob(strict(group))).join('')
    return Uint8Array.from(decoded, (character) => character.charCodeAt(0))
  }
}

/** `atob` forgives what is cut off and white space. */
function strict(group: string): string {
  if (group.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(group)) return group
  throw new Error('not base64')
}
