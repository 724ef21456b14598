import { RemoteProtocolError } from '@flatend/wire'

/** RFC 6455 §7.4.1 and the registry of IANA. */
const CAUSES: Readonly<Record<number, string>> = {
  1_001: 'the other side goes away',
  1_002: 'the other side saw a protocol error',
  1_003: 'the other side takes no such message',
  1_006: 'it was cut',
  1_008: 'the other side has a rule against it',
  1_009: 'a message was too large',
  1_011: 'the other side failed',
  1_012: 'the other side restarts',
  1_013: 'the other side is overloaded',
  4_000: 'the other side cut it',
  4_003: 'the other side takes no such message',
  4_009: 'the other side was sent too much',
}

/** A WebSocket that cannot be reached, or ended other than by an orderly close. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError'
  /** `FLATEND_MONTE_DIAL` or `FLATEND_MONTE_WEBSOCKET_CLOSED`. */
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The dial failed. Queries and passwords are nobody's business. */
export function cannotConnect(url: string, why: string, cause?: unknown): WebSocketError {
  const shown = url.replace(/[?#].*$/, '').replace(/\/\/[^/]*@/, '//')
  return new WebSocketError('FLATEND_MONTE_DIAL', `cannot connect to ${shown}: ${why}`, cause)
}

/** It closed with a code that says why. */
export function closedWith(code: number, reason: string): WebSocketError {
  const cause = CAUSES[code] ?? 'for a reason of its own'
  const detail = reason === '' ? '' : `: ${reason}`
  return new WebSocketError(
    'FLATEND_MONTE_WEBSOCKET_CLOSED',
    `the WebSocket closed, ${cause} (code ${code})${detail}`,
  )
}

/** The peer sent what no link sends. */
export function notOurs(message: string): RemoteProtocolError {
  return new RemoteProtocolError('FLATEND_MONTE_WEBSOCKET', message)
}
