import type { Exchange } from '../driver.ts'
import type { Problem } from '../transfer/problem.ts'
import { headerOf, mayHaveBody } from '../transfer/request-record.ts'

/** The only version there is (RFC 6455 §4.1). */
const VERSION = '13'
/** 16 bytes in base64; the last digit of the 22 has four bits that are not used. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Fields of a handshake that are for this connection only. */
export const HANDSHAKE: ReadonlySet<string> = new Set([
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-version',
])

/** What is wrong with a request for a WebSocket; nothing where it is one (RFC 6455 §4.2.1). */
export function handshakeProblem(exchange: Exchange): Problem | undefined {
  const { headers } = exchange
  if (!hasToken(headers, 'upgrade', 'websocket') || !hasToken(headers, 'connection', 'upgrade')) {
    return upgradeRequired('This is a WebSocket: connect by one.')
  }
  const version = valuesOf(headers, 'sec-websocket-version')
  if (version.length !== 1 || version[0] !== VERSION) {
    return upgradeRequired(`WebSockets here have version ${VERSION}.`)
  }
  const keys = valuesOf(headers, 'sec-websocket-key')
  if (keys.length !== 1 || !KEY.test(keys[0] as string)) {
    return malformed('Sec-WebSocket-Key is not one of 16 bytes.')
  }
  if (offeredProtocols(headers) === undefined) {
    return malformed('Sec-WebSocket-Protocol is not a list of different names.')
  }
  if (exchange.httpVersion !== '1.1' || exchange.upgrade === undefined) {
    return upgradeRequired('WebSockets need HTTP/1.1 here.')
  }
  return mayHaveBody(exchange) ? malformed('A request for a WebSocket has no body.') : undefined
}

/** Subprotocols the client offers, in its order; `undefined` where the list is malformed. */
export function offeredProtocols(headers: readonly string[]): readonly string[] | undefined {
  const values = valuesOf(headers, 'sec-websocket-protocol')
  if (values.length === 0) return []
  const names = values.flatMap((value) => value.split(',').map((name) => name.trim()))
  const valid = names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length
  return valid ? names : undefined
}

/** Whether the page that asks may: every one where no origins are named, and what is no browser. */
export function isOriginAllowed(headers: readonly string[], origins: readonly string[]): boolean {
  const origin = headerOf(headers, 'origin')
  return origins.length === 0 || origin === undefined || origins.includes(origin.toLowerCase())
}

function upgradeRequired(detail: string): Problem {
  return {
    status: 426,
    code: 'FLATEND_GATEWAY_UPGRADE',
    detail,
    headers: ['upgrade', 'websocket', 'sec-websocket-version', VERSION],
  }
}

function malformed(detail: string): Problem {
  return { status: 400, code: 'FLATEND_GATEWAY_MALFORMED', detail }
}

function valuesOf(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1] === name)
}

function hasToken(headers: readonly string[], name: string, token: string): boolean {
  return valuesOf(headers, name).some((value) =>
    value.split(',').some((item) => item.trim().toLowerCase() === token),
  )
}
