/**
 * WebSockets for sessions: where only HTTP gets through, and in browsers. No Node API: a server
 * hands its open sockets to {@link acceptWebSocket}.
 *
 * @packageDocumentation
 */
import type { Address, Link } from '../ports.ts'
import type { WebSocketLike } from './web-socket.ts'
import { type WebSocketLimits, WebSocketLink } from './web-socket-link.ts'

export { type DialWebSocketOptions, dialWebSocket } from './dial.ts'
export {
  SUBPROTOCOL,
  type WebSocketConstructor,
  type WebSocketEvent,
  type WebSocketLike,
} from './web-socket.ts'
export { WebSocketError } from './web-socket-error.ts'
export type { WebSocketLimits } from './web-socket-link.ts'

/**
 * Takes a WebSocket somebody opened to us, such as one of the package ws, right when it is open.
 * @param remote - address of the socket below, as far as it is known
 */
export function acceptWebSocket(
  socket: WebSocketLike,
  remote: Address | undefined,
  limits: WebSocketLimits = {},
): Link {
  return new WebSocketLink(socket, remote, limits)
}
