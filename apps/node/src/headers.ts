/** Header values by name. A list gives the name several times, for `set-cookie` above all. */
export type HeadersInit =
  | Readonly<Record<string, string | number | readonly string[]>>
  | Iterable<readonly [string, string]>

/** Flattens headers to name, value, name, value …; the form every layer below uses. */
export function flattenHeaders(init: HeadersInit | undefined): string[] {
  const flat: string[] = []
  if (init === undefined) return flat
  if (isPairs(init)) {
    for (const [name, value] of init) flat.push(name, value)
    return flat
  }
  for (const [name, value] of Object.entries(init)) {
    if (typeof value === 'object') for (const one of value) flat.push(name, one)
    else flat.push(name, String(value))
  }
  return flat
}

function isPairs(init: HeadersInit): init is Iterable<readonly [string, string]> {
  return Symbol.iterator in init
}

/**
 * One value a name: repeats are joined by `, ` (RFC 9110 §5.3), cookies by `; ` (RFC 9113 §8.2.3).
 * The record has no prototype, so that a header called `constructor` is a header like any other.
 */
export function headersToRecord(flat: readonly string[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null)
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string
    const value = flat[i + 1] as string
    const before = record[name]
    if (before === undefined) record[name] = value
    else record[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return record
}

/** The first value of a name, whatever its case, or `undefined`. */
export function headerOf(flat: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase()
  for (let i = 0; i + 1 < flat.length; i += 2) {
    if ((flat[i] as string).toLowerCase() === wanted) return flat[i + 1]
  }
  return undefined
}

/** The fields under `prefix`, by the name behind it; the last value of each. */
export function fieldsUnder(flat: readonly string[], prefix: string): Record<string, string> {
  const record: Record<string, string> = Object.create(null)
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string
    if (name.startsWith(prefix)) record[name.slice(prefix.length)] = flat[i + 1] as string
  }
  return record
}
