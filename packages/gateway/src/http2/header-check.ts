import { GatewayError } from '../errors.ts'

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Control characters, but for the tab: among them CR, LF and NUL (RFC 9110 §5.5). */
// oxlint-disable-next-line eslint/no-control-regex -- these are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/
/** Fields the driver sets itself; one from elsewhere would be a second one. */
const OWN: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
])

/** RFC 9110 §9.1: a method is a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether the driver, and nobody else, sends this field (name in lower case). */
export function isOwnField(name: string): boolean {
  return OWN.has(name)
}

/** Whether no body belongs to the answer, whatever there is of it (RFC 9110 §6.4.1). */
export function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304
}

/**
 * Refuses headers of an answer that would break out of their line.
 *
 * @returns characters of all names and values
 * @throws GatewayError `FLATEND_GATEWAY_STATE`
 */
export function checkResponse(status: number, headers: readonly string[]): number {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new GatewayError('FLATEND_GATEWAY_STATE', `${status} is no status of a final answer`)
  }
  let size = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1]
    if (!TOKEN.test(name)) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', `not a header name: ${JSON.stringify(name)}`)
    }
    if (value === undefined || CONTROL.test(value)) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', `header ${name}: no valid value`)
    }
    size += name.length + value.length + 4
  }
  return size
}
