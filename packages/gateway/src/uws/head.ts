import { STATUS_CODES } from 'node:http'
import { isOwnField } from '../http2/header-check.ts'
import { fitsCork } from './turn.ts'
import type { UwsResponse } from './types.ts'

/** Status and headers of an answer, checked. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly string[]
  /** Bytes at the most. */
  readonly size: number
  /** Says `Connection: close`. Not for an answer that is ended with the flag for it. */
  readonly close: boolean
}

const LINES: string[] = []

/** Status line without the version, such as `200 OK`. */
export function statusLine(status: number): string {
  return (LINES[status] ??= `${status} ${STATUS_CODES[status] ?? 'Status'}`)
}

/** Bytes of a head of so many characters: three for each, as in the worst UTF-8, and our own lines. */
export function headSize(characters: number): number {
  return characters * 3 + 256
}

/** Writes a head that fits a cork, inside one. */
export function writeHead(response: UwsResponse, head: ResponseHead): void {
  const { headers } = head
  // The library says 200 where nobody says anything.
  if (head.status !== 200) response.writeStatus(statusLine(head.status))
  if (head.close) response.writeHeader('connection', 'close')
  // RFC 9110 §7.8: what Upgrade names is for this connection.
  else if (head.status === 426) response.writeHeader('connection', 'upgrade')
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!isOwnField(name)) response.writeHeader(name, headers[i + 1] as string)
  }
}

/** Writes a head of any size, in as many corks as it takes. Not inside one. */
export function writeLongHead(response: UwsResponse, head: ResponseHead): void {
  response.cork(() => writeHead(response, { ...head, headers: [] }))
  let part: string[] = []
  let size = 0
  const flush = (): void => {
    const fields = part
    response.cork(() => {
      for (let i = 0; i < fields.length; i += 2) {
        response.writeHeader(fields[i] as string, fields[i + 1] as string)
      }
    })
    part = []
    size = 0
  }
  for (let i = 0; i < head.headers.length; i += 2) {
    const name = head.headers[i] as string
    const value = head.headers[i + 1] as string
    if (isOwnField(name)) continue
    const bytes = headSize(name.length + value.length)
    if (!fitsCork(size + bytes)) flush()
    part.push(name, value)
    size += bytes
  }
  flush()
}
