import { MAX_QUERY_FIELDS } from './limits.ts'

/**
 * Adds `query.<name>` fields of a raw query: names in lower case as in 2020, the last value of each,
 * decoded as forms are (WHATWG URL §5.1: `+` is a space, malformed percent-encoding stays as it is).
 * Returns false where there are more names than fields.
 */
export function addQueryFields(rawQuery: string, fields: string[]): boolean {
  const from = fields.length
  for (const piece of rawQuery.split('&')) {
    const equals = piece.indexOf('=')
    const name = decode(equals === -1 ? piece : piece.slice(0, equals))
    if (name === '') continue
    const field = `query.${name.toLowerCase()}`
    const value = equals === -1 ? '' : decode(piece.slice(equals + 1))
    const index = indexOfName(fields, field, from)
    if (index !== -1) fields[index + 1] = value
    else if (fields.push(field, value) - from > MAX_QUERY_FIELDS * 2) return false
  }
  return true
}

/** At most 64 names are looked through, so a list is quicker than a map here. */
function indexOfName(fields: readonly string[], name: string, from: number): number {
  for (let i = from; i < fields.length; i += 2) if (fields[i] === name) return i
  return -1
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
