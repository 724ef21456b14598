import { LocalProtocolError, RemoteProtocolError } from '@flatend/wire'

/** Our caller was too early or too late. */
export function notOpen(): LocalProtocolError {
  return new LocalProtocolError(
    'FLATEND_MONTE_NOT_OPEN',
    'the session is not open: wait for onOpen',
  )
}

/** A v1 peer, and no permission to speak v1. */
export function legacyRefused(): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_LEGACY_REFUSED',
    'the peer speaks the 2020 protocol, which this node refuses: upgrade the peer, or allow it with legacy: true (--legacy)',
  )
}

/** A v1 handshake that is none, or one too many. */
export function notLegacyHello(message: string): RemoteProtocolError {
  return new RemoteProtocolError('FLATEND_MONTE_LEGACY_HELLO', message)
}

/** A message that claims another length than its packet has. */
export function badLength(length: number, left: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_MESSAGE_LENGTH',
    `a message of ${length} bytes in a packet with ${left} left`,
    { details: { length, left } },
  )
}
