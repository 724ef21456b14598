import type { Exchange } from '../driver.ts'
import { utf8Length } from '../utf8.ts'
import { connectionNames, isHopByHop } from './hop-by-hop.ts'
import { MAX_FIELD_BYTES, MAX_FIELDS, MAX_NAME, MAX_QUERY_FIELDS, MAX_VALUE } from './limits.ts'
import { addQueryFields } from './query.ts'
import type { TraceFields } from './trace-context.ts'

export interface FieldsInput {
  readonly exchange: Exchange
  readonly requestId: string
  /** name, value, name, value … of the route. */
  readonly params: readonly string[]
  /** In place of what the client says of its trace. */
  readonly trace?: TraceFields | undefined
  /** Names, in lower case, to leave out. */
  readonly without?: ReadonlySet<string>
}

/** A request that cannot become a call. */
export interface FieldsProblem {
  readonly status: 414 | 431
  readonly detail: string
}

/**
 * The fields of a call, each kind in a namespace of its own: `:method`, `:path`, `:query`,
 * `:scheme`, `:authority`, `:peer`, `:request-id`, `params.<name>`, `query.<name>`, then the
 * client's headers, all values kept. A client's header whose name begins like one of the others is
 * dropped, so that nothing a client sends as a header can pass for something else.
 */
export function requestFields(input: FieldsInput): readonly string[] | FieldsProblem {
  const { exchange, params } = input
  const fields = [
    ':method',
    exchange.method,
    ':path',
    exchange.rawPath,
    ':query',
    exchange.rawQuery,
  ]
  fields.push(':scheme', exchange.scheme, ':authority', exchange.authority)
  fields.push(':peer', exchange.peer, ':request-id', input.requestId)
  for (let i = 0; i + 1 < params.length; i += 2) {
    fields.push(`params.${params[i]}`, params[i + 1] as string)
  }
  if (exchange.rawQuery !== '' && !addQueryFields(exchange.rawQuery, fields)) {
    return { status: 414, detail: `The query has more than ${MAX_QUERY_FIELDS} names.` }
  }
  const detail = tooLarge(fields)
  if (detail !== undefined) return { status: 414, detail: `The address: ${detail}` }
  addHeaders(input, fields)
  const more = tooLarge(fields)
  return more === undefined ? fields : { status: 431, detail: `The header fields: ${more}` }
}

function addHeaders({ exchange, trace, without }: FieldsInput, fields: string[]): void {
  const { headers } = exchange
  const named = connectionNames(headers)
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    if (isReserved(name) || isHopByHop(name)) continue
    if (named?.has(name) || without?.has(name)) continue
    if (trace !== undefined && TRACE.has(name)) continue
    fields.push(name, headers[i + 1] as string)
  }
  // No request is refused for what is added here.
  if (trace !== undefined && fields.length <= MAX_FIELDS * 2 - 4) addTrace(trace, fields)
}

const TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])

function addTrace({ traceparent, tracestate }: TraceFields, fields: string[]): void {
  fields.push('traceparent', traceparent)
  if (tracestate !== undefined) fields.push('tracestate', tracestate)
}

/** Names a client cannot set: ours, and the empty one. */
function isReserved(name: string): boolean {
  switch (name.charCodeAt(0)) {
    case 0x3a: // :
      return true
    case 0x70: // p
      return name.startsWith('params.')
    case 0x71: // q
      return name.startsWith('query.')
    default:
      return name === ''
  }
}

/** What of the protocol's limits the fields break, in words. */
function tooLarge(fields: readonly string[]): string | undefined {
  if (fields.length > MAX_FIELDS * 2) return `${fields.length / 2} fields, at most ${MAX_FIELDS}.`
  let bytes = 0
  for (let i = 0; i < fields.length; i += 2) {
    const name = bytesOf(fields[i] as string, MAX_NAME)
    const value = bytesOf(fields[i + 1] as string, MAX_VALUE)
    if (name > MAX_NAME) return `a name of ${name} bytes, at most ${MAX_NAME}.`
    if (value > MAX_VALUE) return `a value of ${value} bytes, at most ${MAX_VALUE}.`
    bytes += name + value
  }
  if (bytes <= MAX_FIELD_BYTES) return undefined
  const exact = fields.reduce((sum, text) => sum + utf8Length(text), 0)
  return exact > MAX_FIELD_BYTES ? `${exact} bytes, at most ${MAX_FIELD_BYTES}.` : undefined
}

/** Bytes of `text` in UTF-8, guessed (never too low) where even the guess is within `limit`. */
function bytesOf(text: string, limit: number): number {
  const most = text.length * 3
  return most <= limit ? most : utf8Length(text)
}
