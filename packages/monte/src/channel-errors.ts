import { RemoteProtocolError } from '@flatend/wire'
import { END_DENIED, type End } from './control-messages.ts'

/** The handshake took too long. */
export function handshakeTimeout(ms: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_HANDSHAKE_TIMEOUT',
    `the peer did not complete the handshake within ${ms} ms`,
    { details: { ms } },
  )
}

/** The connection ended without END; `cause` is the link's error, if it had one. */
export function truncated(
  session: { readonly open: boolean; readonly foreign: RemoteProtocolError | undefined },
  cause?: Error,
): RemoteProtocolError {
  if (session.foreign) return session.foreign
  const options = cause ? { cause } : {}
  const detail = cause ? ` (${cause.message})` : ''
  return !session.open
    ? new RemoteProtocolError(
        'FLATEND_MONTE_HANDSHAKE_REFUSED',
        `the connection ended during the handshake${detail}: the other side is of another network, refuses this node, or is no flatend node`,
        options,
      )
    : new RemoteProtocolError(
        'FLATEND_MONTE_TRUNCATED',
        `the connection ended without saying so${detail}: the peer crashed, or somebody cut it`,
        options,
      )
}

/** The peer ended the connection for a reason. */
export function ended({ code, reason }: End): RemoteProtocolError {
  if (code === END_DENIED) {
    return new RemoteProtocolError(
      'FLATEND_MONTE_REFUSED',
      `the peer does not let this node in: ${reason || 'no reason given'}`,
      { details: { code, reason } },
    )
  }
  return new RemoteProtocolError(
    'FLATEND_MONTE_ENDED',
    `the peer ended the connection: ${reason || 'no reason given'} (code ${code})`,
    { details: { code, reason } },
  )
}

/** The peer reads nothing. */
export function stalled(ms: number, queued: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_STALLED',
    `the peer took nothing for ${ms} ms while ${queued} bytes waited`,
    { details: { ms, queued } },
  )
}

/** The peer reads too slowly for what it is sent. */
export function overflow(queued: number, max: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_QUEUE_FULL',
    `${queued} bytes wait for the peer, at most ${max} are kept: it reads too slowly, or \`writable\` was not heeded`,
    { details: { queued, max } },
  )
}

/** The peer is silent. */
export function dead(pings: number): RemoteProtocolError {
  return new RemoteProtocolError('FLATEND_MONTE_DEAD', `the peer did not answer ${pings} pings`, {
    details: { pings },
  })
}

/** The peer pings without end. */
export function pingFlood(perSecond: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_PING_FLOOD',
    `the peer pings more than ${perSecond} times a second`,
    { details: { perSecond } },
  )
}

/** `authorize` refused the peer. */
export function denied(reason: string): RemoteProtocolError {
  return new RemoteProtocolError(
    'FLATEND_MONTE_DENIED',
    `this node does not let the peer in: ${reason}`,
    { details: { reason } },
  )
}
