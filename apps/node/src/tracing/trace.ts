import { isTraceparent, type TraceFields } from '@flatend/gateway'
import { flattenHeaders, type HeadersInit, headerOf } from '../headers.ts'

/** What headers say of the trace they belong to; `undefined` where nothing valid. */
export function traceOf(headers: readonly string[]): TraceFields | undefined {
  const traceparent = headerOf(headers, 'traceparent')
  if (traceparent === undefined || !isTraceparent(traceparent)) return undefined
  const states = headers.filter(
    (_, index) => index % 2 === 1 && headers[index - 1] === 'tracestate',
  )
  return states.length === 0 ? { traceparent } : { traceparent, tracestate: states.join(',') }
}

/** Headers of a call within a trace, unless they name one themselves. */
export function headersIn(
  trace: TraceFields | undefined,
  init: HeadersInit | undefined,
): HeadersInit | undefined {
  if (trace === undefined) return init
  const flat = flattenHeaders(init)
  if (headerOf(flat, 'traceparent') !== undefined) return pairsOf(flat)
  return pairsOf([...flat, ...flatTrace(trace)])
}

/** The same headers, with another trace. */
export function replaceTrace(headers: readonly string[], trace: TraceFields): readonly string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    if (name === 'traceparent' || name === 'tracestate') continue
    kept.push(name, headers[i + 1] as string)
  }
  kept.push(...flatTrace(trace))
  return kept
}

function flatTrace({ traceparent, tracestate }: TraceFields): readonly string[] {
  return tracestate === undefined
    ? ['traceparent', traceparent]
    : ['traceparent', traceparent, 'tracestate', tracestate]
}

function pairsOf(flat: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push([flat[i] as string, flat[i + 1] as string])
  }
  return pairs
}
