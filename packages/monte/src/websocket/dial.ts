import { parseIp } from '@flatend/wire'
import type { Address, DialSignal, Link } from '../ports.ts'
import { SUBPROTOCOL, type WebSocketConstructor, type WebSocketLike } from './web-socket.ts'
import { cannotConnect } from './web-socket-error.ts'
import { type WebSocketLimits, WebSocketLink } from './web-socket-link.ts'

/** Options of {@link dialWebSocket}. */
export interface DialWebSocketOptions extends WebSocketLimits {
  /** Gives up, with the signal's reason. @default as long as the runtime tries */
  readonly signal?: DialSignal
  /** Makes the WebSocket. @default the runtime's own: browsers and Node from 22 on have one */
  readonly WebSocket?: WebSocketConstructor
}

/**
 * Connects to a node by WebSocket.
 * @param url - `ws://host:port` or `wss://host/path`
 * @throws WebSocketError `FLATEND_MONTE_DIAL` that says why it cannot be reached; the signal's reason
 * where it is aborted
 */
export function dialWebSocket(url: string, options: DialWebSocketOptions = {}): Promise<Link> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const socket = connect(url, options)
    let settled = false
    const settle = (): boolean => {
      const first = !settled
      settled = true
      signal?.removeEventListener('abort', abort)
      return first
    }
    const abort = (): void => {
      if (!settle()) return
      giveUp(socket)
      reject(signal?.reason)
    }
    const fail = (why: string): void => {
      if (settle()) reject(cannotConnect(url, why))
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket.addEventListener('open', () => {
      if (settle()) resolve(new WebSocketLink(socket, remoteOf(url), options))
    })
    socket.addEventListener('error', ({ message }) => fail(message || 'it cannot be reached'))
    socket.addEventListener('close', ({ code }) => fail(`it hung up (code ${code})`))
  })
}

function connect(url: string, { WebSocket }: DialWebSocketOptions): WebSocketLike {
  const own = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket
  const Constructor = WebSocket ?? own
  if (!Constructor)
    throw cannotConnect(url, 'this runtime has no WebSocket, give one, such as that of ws')
  try {
    return new Constructor(url, SUBPROTOCOL)
  } catch (error) {
    throw cannotConnect(url, (error as Error).message, error)
  }
}

function giveUp(socket: WebSocketLike): void {
  if (socket.terminate) socket.terminate()
  else socket.close()
}

/** The other end, where the URL names it by IP: names are resolved where we do not see it. */
function remoteOf(url: string): Address | undefined {
  const match = /^(wss?):\/\/(?:\[([^\]]+)\]|([^/?#:]+))(?::(\d+))?(?:[/?#]|$)/i.exec(url)
  if (!match) return undefined
  const [, scheme = '', bracketed, plain = '', port] = match
  const host = bracketed ?? plain
  if (!parseIp(host)) return undefined
  return { host, port: Number(port ?? (scheme.toLowerCase() === 'wss' ? 443 : 80)) }
}
