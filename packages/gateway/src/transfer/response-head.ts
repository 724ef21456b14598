import { connectionNames, isHopByHop } from './hop-by-hop.ts'

/** A service's headers, fit to be sent. */
export interface ResponseHead {
  readonly headers: readonly string[]
  /** From a valid content-length. */
  readonly length: number | undefined
  /** Names of headers that were left out because they are not valid in HTTP. */
  readonly dropped: readonly string[]
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Anything but tab, visible ASCII, space and what lies above ASCII (RFC 9110 §5.5). */
const BAD_VALUE = /[^\t -~\u0080-\uffff]/

/**
 * Checks the headers of an answer. Fields for one connection are left out, and so are fields whose
 * name or value is not valid in HTTP: the gateway of 2020 left those out too, and an answer without
 * one is worth more than none. `content-length` is taken out: the driver sets it.
 */
export function responseHead(raw: readonly string[]): ResponseHead {
  const headers: string[] = []
  const lengths: string[] = []
  const dropped: string[] = []
  const named = connectionNames(raw)
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const value = raw[i + 1] as string
    if (isHopByHop(name) || named?.has(name)) continue
    if (name === 'content-length') lengths.push(value)
    else if (TOKEN.test(name) && !BAD_VALUE.test(value)) headers.push(name, value)
    else dropped.push(name)
  }
  const length = lengths.length === 0 ? undefined : contentLength(lengths)
  if (lengths.length > 0 && length === undefined) dropped.push('content-length')
  return { headers, length, dropped }
}

/** The length all values agree on; several that differ say nothing (RFC 9110 §8.6). */
function contentLength(values: readonly string[]): number | undefined {
  const lengths = new Set(values.map((value) => (/^\d{1,15}$/.test(value) ? Number(value) : -1)))
  const [length = -1] = lengths
  return lengths.size === 1 && length >= 0 ? length : undefined
}
