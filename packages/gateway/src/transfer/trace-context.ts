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

/**
 * Begins traces: a random id, and "sampled", so that whoever records in this mesh does; where nobody
 * does, it costs nothing.
 */
export function traceBeginner(random: () => number): () => TraceFields {
  const digits = (): string =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  // An id of nothing but zeros is none (§3.2.2.3): the 1 keeps them apart from it.
  const first = (): string => `1${digits().slice(1)}`
  return () => ({
    traceparent: `00-${first()}${digits()}${digits()}${digits()}-${first()}${digits()}-01`,
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
