import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type * as Ws from 'ws'
import type { UpgradeOptions } from '../web-socket/port.ts'
import { pendingAnswer } from './pending-answer.ts'

/** Bytes a client may send before it knows that there is a WebSocket; it has no reason to. */
const MAX_EARLY = 65_536
/** Messages below this size are not worth compressing, in bytes. */
const DEFLATE_FROM = 1_024

const ASKED = Symbol('asked')
/** Loaded for the first WebSocket: a tenth of what a gateway takes to start. */
let ws: typeof Ws | undefined
const loadWs = (): typeof Ws => (ws ??= createRequire(import.meta.url)('ws') as typeof Ws)

/** Requests of Node's server; only those for a WebSocket are upgrades. */
export class UpgradeMessage extends IncomingMessage {}

// Node decides by whether anybody listens for upgrades, and asks for every other protocol too, such
// as h2c of `curl --http2`: these are to be answered like any request (RFC 9110 §7.8).
Object.defineProperty(UpgradeMessage.prototype, 'upgrade', {
  get(this: IncomingMessage & { [ASKED]?: boolean | null }): boolean {
    return this[ASKED] === true && (this.method === 'CONNECT' || isHandshake(this))
  },
  set(this: IncomingMessage & { [ASKED]?: boolean | null }, asked: boolean | null): void {
    this[ASKED] = asked
  },
})

function isHandshake({ method, httpVersion, headers, socket }: IncomingMessage): boolean {
  // The connection is not free to become anything else: this is answered when its turn comes.
  if (pendingAnswer(socket) !== undefined) return false
  const body = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  const protocols = headers.upgrade?.toLowerCase().split(',') ?? []
  const named = protocols.some((protocol) => protocol.trim() === 'websocket')
  return named && method === 'GET' && httpVersion === '1.1' && !body
}

/** A request for a WebSocket, whose connection Node has let go of: an answer ends it. */
export class PendingUpgrade {
  readonly response: ServerResponse
  readonly #request: IncomingMessage
  readonly #socket: Socket
  readonly #early: Buffer[]
  #earlyBytes: number
  readonly #onReadable = (): void => this.#read()
  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }
  readonly #onError = (): void => {}
  readonly #onDrain = (): void => {
    this.response.emit('drain')
  }

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.#request = request
    this.#socket = socket
    this.#early = [head]
    this.#earlyBytes = head.length
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on('finish', () => this.#answered())
    this.response = response
    socket.on('error', this.#onError)
    socket.on('drain', this.#onDrain)
    // Nothing is expected, but the end of a connection is only told to whoever reads.
    socket.on('readable', this.#onReadable)
    socket.on('end', this.#onEnd)
  }

  /** Whether the client is on its way out: its connection can become nothing any more. */
  get leaving(): boolean {
    const socket = this.#socket
    if (socket.readable && socket.writable) return false
    socket.destroy()
    return true
  }

  /** Makes the connection a WebSocket, by one of these servers. */
  accept(servers: SocketServers, options: UpgradeOptions): Ws.WebSocket {
    const socket = this.#socket
    this.response.detachSocket(socket)
    socket.off('readable', this.#onReadable)
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('error', this.#onError)
    return servers.accept(
      { request: this.#request, socket, head: Buffer.concat(this.#early) },
      options,
    )
  }

  #read(): void {
    for (let chunk = this.#next(); chunk !== null; chunk = this.#next()) {
      this.#early.push(chunk)
      this.#earlyBytes += chunk.length
      if (this.#earlyBytes > MAX_EARLY) this.#socket.destroy()
    }
  }

  #next(): Buffer | null {
    return this.#socket.read() as Buffer | null
  }

  #answered(): void {
    this.response.detachSocket(this.#socket)
    this.#socket.destroySoon()
    this.response.emit('close')
  }
}

interface Handover {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

/** The servers of the package ws: one for each kind of WebSocket, and what is asked of it now. */
export class SocketServers {
  readonly #servers = new Map<string, Ws.WebSocketServer>()
  #headers: readonly string[] = []
  #protocol: string | undefined

  /** @throws Error where ws does not take the handshake; the connection is broken then */
  accept(handover: Handover, options: UpgradeOptions): Ws.WebSocket {
    this.#headers = options.headers
    this.#protocol = options.protocol
    // A way to compress that ws does not know is declined, not an error (RFC 7692 §7.1).
    const accepted =
      this.#upgraded(handover, options) ?? this.#upgraded(handover, { ...options, deflate: false })
    if (accepted !== undefined) return accepted
    handover.socket.destroy()
    throw new Error('the package ws refused the handshake')
  }

  #upgraded(
    { request, socket, head }: Handover,
    options: UpgradeOptions,
  ): Ws.WebSocket | undefined {
    let accepted: Ws.WebSocket | undefined
    this.#serverFor(options).handleUpgrade(request, socket, head, (opened) => {
      accepted = opened
    })
    return accepted
  }

  #serverFor({ maxMessage, deflate }: UpgradeOptions): Ws.WebSocketServer {
    const key = `${maxMessage} ${deflate}`
    const known = this.#servers.get(key)
    if (known !== undefined) return known
    const { WebSocketServer } = loadWs()
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessage,
      handleProtocols: () => this.#protocol ?? false,
      // Without contexts that are kept, a connection that rests costs no memory for it.
      perMessageDeflate: deflate && {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        threshold: DEFLATE_FROM,
      },
    })
    // So that ws answers nothing itself.
    server.on('wsClientError', () => {})
    server.on('headers', (lines) => {
      for (let i = 0; i < this.#headers.length; i += 2) {
        lines.push(`${this.#headers[i]}: ${this.#headers[i + 1]}`)
      }
    })
    this.#servers.set(key, server)
    return server
  }
}
