import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  type Admission,
  type AdmissionLimits,
  createAdmission,
  type Link,
  type Ticket,
} from '@flatend/monte'
import { TcpError } from '@flatend/monte/tcp'
import { acceptWebSocket, dialWebSocket, SUBPROTOCOL } from '@flatend/monte/websocket'
import { WebSocket, WebSocketServer } from 'ws'
import { formatAddress } from './address.ts'
import { systemClock } from './runtime.ts'
import type { Endpoint, Listener, ListenHandlers } from './transport.ts'

/** Bytes of one message; those this node sends have 65,536 at most. */
const MAX_MESSAGE = 1_048_576
/** Time for the request that asks for a WebSocket, in milliseconds: as long as a handshake has. */
const REQUEST_TIMEOUT = 5_000
/** Compression would cost memory for each connection and shrinks nothing that is encrypted. */
const OPTIONS = { maxPayload: MAX_MESSAGE, perMessageDeflate: false } as const

/** What {@link listenWebSocket} wants to know. */
export interface ListenWebSocketOptions {
  readonly endpoint: Endpoint
  readonly handlers: ListenHandlers
  /** Values of the Origin header that are taken; requests without one always are. */
  readonly webOrigins: readonly string[]
  readonly limits: Partial<AdmissionLimits>
}

class OwnWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol, OPTIONS)
  }
}

/** Connects by the package ws, which Node 20 has no equal of. @throws WebSocketError */
export function dialNodeWebSocket(url: string, signal: AbortSignal): Promise<Link> {
  return dialWebSocket(url, { signal, WebSocket: OwnWebSocket, maxMessage: MAX_MESSAGE })
}

/**
 * Takes WebSockets. A page of a web site that is not named is refused: a browser would let any page
 * reach nodes only its user can.
 * @throws TcpError `FLATEND_MONTE_LISTEN` where the address cannot be bound
 */
export async function listenWebSocket(options: ListenWebSocketOptions): Promise<Listener> {
  const { endpoint, handlers, webOrigins, limits } = options
  const server = httpServer()
  const doors = new Doors(limits)
  server.on('connection', (socket) => doors.opened(socket))
  const sockets = new WebSocketServer({
    ...OPTIONS,
    server,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    verifyClient: ({ origin }: { readonly origin: string | undefined }) =>
      origin === undefined || webOrigins.includes(origin),
  })
  sockets.on('connection', (socket, { socket: below }: IncomingMessage) => {
    doors.passed(below)
    handlers.onLink(acceptWebSocket(socket, remoteOf(below), { maxMessage: MAX_MESSAGE }))
  })
  // What it says of the server is said by the server too.
  sockets.on('error', () => undefined)
  const { address, port } = await bind(server, endpoint)
  server.on('error', handlers.onError)
  const bound = { host: address, port }
  return {
    address: { ...bound, url: `ws://${formatAddress(bound)}` },
    close: () => {
      sockets.close()
      server.close()
      server.closeIdleConnections()
    },
  }
}

function httpServer(): Server {
  const server = createServer(
    {
      headersTimeout: REQUEST_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 1_000,
      maxHeaderSize: 16_384,
      noDelay: true,
    },
    (_, response) => {
      response.writeHead(426, { upgrade: 'websocket', connection: 'close' })
      response.end('this is a flatend node: connect by WebSocket\n')
    },
  )
  return server
}

function bind(server: Server, { host, port }: Endpoint): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void =>
      reject(
        new TcpError('FLATEND_MONTE_LISTEN', {
          what: 'cannot listen on',
          endpoint: { host: host || '*', port },
          errors: [error],
        }),
      )
    server.once('error', failed)
    server.listen({ ...(host === '' ? {} : { host }), port }, () => {
      server.off('error', failed)
      resolve(server.address() as AddressInfo)
    })
  })
}

/**
 * Sockets that are not WebSockets yet: the limits of a node's handshakes count for these requests
 * too, or somebody could open any number of sockets before one is counted.
 */
class Doors {
  readonly #admission: Admission
  readonly #tickets = new WeakMap<Socket, Ticket>()

  constructor(limits: Partial<AdmissionLimits>) {
    this.#admission = createAdmission({ clock: systemClock, limits })
  }

  opened(socket: Socket): void {
    const ticket = this.#admission.admit(remoteOf(socket))
    if (ticket.refused) {
      socket.destroy()
      return
    }
    this.#tickets.set(socket, ticket)
    socket.once('close', () => ticket.closed())
  }

  /** It is a WebSocket: from now on the node counts it. */
  passed(socket: Socket): void {
    this.#tickets.get(socket)?.closed()
  }
}

function remoteOf({
  remoteAddress,
  remotePort,
}: Socket): { host: string; port: number } | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return { host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort }
}
