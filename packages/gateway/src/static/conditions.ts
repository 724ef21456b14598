import { headerOf } from '../transfer/request-record.ts'
import { parseHttpDate } from './http-date.ts'

/** What a client may have of a file already. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string
  readonly modifiedSeconds: number
}

/** Evaluates conditional headers of GET and HEAD in the order of RFC 9110 §13.2.2. */
export function evaluate(headers: readonly string[], current: Validators): 200 | 304 | 412 {
  const match = headerOf(headers, 'if-match')
  const unmodified = dateOf(headers, 'if-unmodified-since')
  if (match !== undefined) {
    if (!listed(match, current.etag, false)) return 412
  } else if (unmodified !== undefined && current.modifiedSeconds > unmodified) return 412
  const none = headerOf(headers, 'if-none-match')
  if (none !== undefined) return listed(none, current.etag, true) ? 304 : 200
  const since = dateOf(headers, 'if-modified-since')
  return since !== undefined && current.modifiedSeconds <= since ? 304 : 200
}

/** Whether `If-Range` lets a range be answered (RFC 9110 §13.1.5: strong comparison). */
export function rangeHolds(headers: readonly string[], current: Validators): boolean {
  const condition = headerOf(headers, 'if-range')
  if (condition === undefined) return true
  return condition.startsWith('"')
    ? condition === current.etag
    : parseHttpDate(condition) === current.modifiedSeconds
}

function dateOf(headers: readonly string[], name: string): number | undefined {
  const value = headerOf(headers, name)
  return value === undefined ? undefined : parseHttpDate(value)
}

/** Whether a list of entity tags names `etag` (RFC 9110 §8.8.3.2). */
function listed(list: string, etag: string, weak: boolean): boolean {
  if (list.trim() === '*') return true
  return list.split(',').some((item) => {
    const tag = item.trim()
    return tag === etag || (weak && tag === `W/${etag}`)
  })
}

/** Part of a file, both ends included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The one range asked for (RFC 9110 §14.2). `undefined` where the whole is to be sent: no range,
 * several, another unit, malformed. `unsatisfiable` where nothing of it exists.
 */
export function parseRange(
  value: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = value === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(value.trim())
  if (match === null) return undefined
  const [, from = '', to = ''] = match
  if (from === '') return to === '' ? undefined : lastBytes(Number(to), size)
  const first = Number(from)
  const last = to === '' ? size - 1 : Number(to)
  if (to !== '' && last < first) return undefined
  return first >= size ? 'unsatisfiable' : { first, last: Math.min(last, size - 1) }
}

const lastBytes = (length: number, size: number): ByteRange | 'unsatisfiable' =>
  length === 0 || size === 0
    ? 'unsatisfiable'
    : { first: Math.max(0, size - length), last: size - 1 }
