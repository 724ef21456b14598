import type { Encoding } from './port.ts'

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/
/** What shrinks: text in all its forms, and some formats that do not compress themselves. */
const COMPRESSIBLE =
  /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|javascript|ecmascript|wasm|graphql|rtf|sql|toml|yaml|x-ndjson|x-www-form-urlencoded|x-javascript|manifest)$|application\/vnd\.ms-fontobject$|font\/(?:ttf|otf)$|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)$)/
/** Each message of it is for now: nothing may hold it up. */
const EVENTS = 'text/event-stream'
/** Fields that say something of the bytes as the service made them (RFC 9530, RFC 9110 §14.4). */
const ABOUT_BYTES: ReadonlySet<string> = new Set([
  'content-digest',
  'content-md5',
  'content-range',
  'digest',
  'signature',
])

/** Weights by name; what is malformed is as if it were not there: no coding is sent by mistake. */
function weightsOf(accept: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const item of accept.toLowerCase().split(',')) {
    const [name = '', parameter, ...rest] = item.split(';').map((piece) => piece.trim())
    const weight = parameter === undefined ? 1 : Number(WEIGHT.exec(parameter)?.[1] ?? Number.NaN)
    if (name !== '' && rest.length === 0 && !Number.isNaN(weight)) weights.set(name, weight)
  }
  return weights
}

/**
 * The coding a client likes best of those there are, the first of equals (RFC 9110 §12.5.3);
 * `undefined` where it takes none of them, or likes them less than none.
 */
export function chooseEncoding(
  accept: string | undefined,
  available: readonly Encoding[],
): Encoding | undefined {
  if (accept === undefined) return undefined
  const weights = weightsOf(accept)
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0
  let most = weights.get('identity') ?? 0
  let best: Encoding | undefined
  for (const encoding of available) {
    const weight = weigh(encoding, weightOf)
    if (weight === 0 || weight < most || (weight === most && best !== undefined)) continue
    most = weight
    best = encoding
  }
  return best
}

/** `x-gzip` is gzip (RFC 9110 §8.4.1.3). */
function weigh(encoding: Encoding, weightOf: (name: string) => number): number {
  const weight = weightOf(encoding)
  return encoding === 'gzip' && weight === 0 ? weightOf('x-gzip') : weight
}

/** An answer, as far as it matters here. */
export interface Compressible {
  readonly status: number
  readonly headers: readonly string[]
  /** Bytes of the body; `undefined` where they are not known. */
  readonly length: number | undefined
  /** Smaller bodies are left as they are. */
  readonly minSize: number
}

/** Whether an answer may be compressed, and is worth it. */
export function isCompressible({ status, headers, length, minSize }: Compressible): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206) return false
  if (length !== undefined && length < minSize) return false
  let type = ''
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i] as string
    const value = (headers[i + 1] as string).toLowerCase()
    if (field === 'content-type') type = (value.split(';')[0] as string).trim()
    else if (forbids(field, value)) return false
  }
  return type !== EVENTS && COMPRESSIBLE.test(type)
}

/** Whether a field says that the bytes are to stay as they are. */
function forbids(field: string, value: string): boolean {
  if (field === 'content-encoding') return value.trim() !== 'identity'
  if (field === 'cache-control') return /(?:^|[\s,])no-transform(?:$|[\s,;])/.test(value)
  return ABOUT_BYTES.has(field)
}

/** The headers with `vary: accept-encoding`, once. */
export function withVary(headers: readonly string[]): readonly string[] {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'vary') continue
    const names = (headers[i + 1] as string).toLowerCase().split(',')
    if (names.some((one) => one.trim() === 'accept-encoding' || one.trim() === '*')) return headers
  }
  return [...headers, 'vary', 'accept-encoding']
}

/** The length of the whole that a part belongs to. */
const WHOLE = /^bytes \d+-\d+\/(\d+)$/

/** Headers of a part: they say what those of the whole would (RFC 9110 §15.3.7). */
export function partHeaders(headers: readonly string[], minSize: number): readonly string[] {
  const whole: string[] = []
  let length: number | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [field, value] = [headers[i] as string, headers[i + 1] as string]
    const total = field === 'content-range' ? WHOLE.exec(value)?.[1] : undefined
    if (total === undefined) whole.push(field, value)
    else length = Number(total)
  }
  return isCompressible({ status: 200, headers: whole, length, minSize })
    ? withVary(headers)
    : headers
}

/**
 * Headers of the compressed answer. Its bytes are others than those a strong ETag was given for, so
 * it becomes a weak one (RFC 9110 §8.8.1); ranges of them nobody can answer.
 */
export function compressedHeaders(
  headers: readonly string[],
  encoding?: Encoding,
): readonly string[] {
  const out: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i] as string
    const value = headers[i + 1] as string
    if (field === 'accept-ranges' || field === 'content-encoding') continue
    out.push(field, field === 'etag' && value.startsWith('"') ? `W/${value}` : value)
  }
  if (encoding !== undefined) out.push('content-encoding', encoding)
  return withVary(out)
}
