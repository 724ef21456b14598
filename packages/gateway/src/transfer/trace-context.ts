/** Where a request belongs in a trace, as the fields of W3C Trace Context say it. */
export interface TraceFields {
  /** `00-` trace id `-` parent id `-` flags */
  readonly traceparent: string
  readonly tracestate?: string | undefined
}

/** Version 00 exactly; of later versions what version 00 knows (W3C Trace Context §3.2.2). */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/

/** Whether `text` says where a request belongs. */
export function isTraceparent(text: string): boolean {
  if (!TRACEPARENT.test(text)) return false
  return text.length === 55 || (!text.startsWith('00') && text[55] === '-')
}

/** Every byte as two digits: many times faster than formatting numbers. */
const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** Eight digits of a number below 2^32. */
function digits(number: number): string {
  const a = BYTES[number >>> 24] as string
  const b = BYTES[(number >>> 16) & 0xff] as string
  const c = BYTES[(number >>> 8) & 0xff] as string
  return a + b + c + (BYTES[number & 0xff] as string)
}

/**
 * Begins traces: 64 bits that are this gateway's, 64 that are the trace's (§3.2.2.3 wants the last 56
 * random), and "sampled", so that whoever records in this mesh does; where nobody does, it costs
 * nothing.
 */
export function traceBeginner(random: () => number): () => TraceFields {
  const next = (): number => Math.floor(random() * 0x1_0000_0000)
  // An id of nothing but zeros is none: the lowest bit of the first half keeps them apart from it.
  const first = (): string => digits((next() | 1) >>> 0)
  const prefix = `00-${first()}${digits(next())}`
  return () => ({
    traceparent: `${prefix}${digits(next())}${digits(next())}-${first()}${digits(next())}-01`,
  })
}

/** Whether exactly one valid `traceparent` is there (§3.2.3); names are in lower case. */
export function hasTrace(headers: readonly string[]): boolean {
  let found = false
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'traceparent') continue
    if (found || !isTraceparent(headers[i + 1] as string)) return false
    found = true
  }
  return found
}
