import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import {
  constants,
  Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type {
  Bound,
  CertificateEntry,
  Driver,
  DriverCapabilities,
  DriverOptions,
  ExchangeHandler,
} from '../driver.ts'
import { GatewayError } from '../errors.ts'
import { excerpt, type Refusal } from '../refusal.ts'
import { acceptRequest } from './accept.ts'
import { SecureContexts } from './certificates.ts'
import type { ExchangeContext, NodeExchange } from './exchange.ts'
import { checkResponse } from './header-check.ts'
import { listenError } from './listen-error.ts'
import { peerText } from './peer.ts'
import { pendingAnswer } from './pending-answer.ts'
import { PulseWatch } from './pulse.ts'
import { refusalOfBytes } from './refused-bytes.ts'
import { Running } from './running.ts'
import { createNodeServer, statusOfClientError } from './servers.ts'
import { Sessions } from './sessions.ts'
import { StallWatch } from './stall.ts'
import { TLS_OPTIONS } from './tls-options.ts'
import { Http2Transport } from './transport.ts'
import { PendingUpgrade, SocketServers } from './upgrade.ts'
import { type ClosableSocket, NodeWebSocket, type SocketContext } from './web-socket.ts'

/**
 * Milliseconds of silence after which the system asks a client whether it is there (RFC 9293 §3.8.4);
 * it is gone after ten more seconds. Else a call or an event stream, which may be silent for hours,
 * would be kept for a client that vanished without a word.
 */
const KEEP_ALIVE_MS = 20_000

/**
 * One listener by Node's own servers: HTTP/1.1, and HTTP/2 where `options` has certificates and
 * `http2`.
 *
 * @throws GatewayError `FLATEND_GATEWAY_CONFIG` where a certificate and its key are not right.
 */
export function nodeDriver(options: DriverOptions): Driver {
  return new NodeDriver(options)
}

class NodeDriver implements Driver, ExchangeContext, SocketContext {
  readonly capabilities: DriverCapabilities
  readonly scheme: 'http' | 'https'
  readonly reads: StallWatch
  readonly writes: StallWatch
  readonly pulses: PulseWatch
  readonly #options: DriverOptions
  readonly #certificates: SecureContexts | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #sessions: Sessions
  /** Exchanges by their session, in HTTP/2. */
  readonly #running = new Running<NodeExchange, ServerHttp2Session | undefined>()
  readonly #socketServers = new SocketServers()
  #handler: ExchangeHandler | undefined
  #draining = false

  constructor(options: DriverOptions) {
    const { certificates } = options
    this.#options = options
    this.#certificates = certificates && new SecureContexts(certificates)
    this.scheme = certificates === undefined ? 'http' : 'https'
    this.reads = new StallWatch(options.readTimeoutMs)
    this.writes = new StallWatch(options.writeTimeoutMs)
    this.pulses = new PulseWatch(options.writeTimeoutMs)
    this.capabilities = {
      name: 'node',
      http2: certificates !== undefined && options.http2 === true,
      webSocket: options.webSocket !== undefined,
      maxHeaderSize: options.maxHeaderSize,
    }
    this.#server = createNodeServer(options, this.#certificates)
    this.#sessions = new Sessions(this.#server, {
      watch: this.pulses,
      pingMs: options.pingMs,
      idleMs: options.idleTimeoutMs,
      refused: (refusal) => this.refused(refusal),
    })
    this.#listenToServer()
  }

  get draining(): boolean {
    return this.#draining
  }

  get maxHeaderSize(): number {
    return this.#options.maxHeaderSize
  }

  refused(refusal: Refusal): void {
    this.#options.onRefused?.(refusal)
  }

  start(handler: ExchangeHandler): Promise<Bound> {
    if (this.#handler !== undefined) {
      const message = 'a driver starts once'
      return Promise.reject(new GatewayError('FLATEND_GATEWAY_STATE', message))
    }
    this.#handler = handler
    const { host, port } = this.#options
    const server = this.#server
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(listenError(host, port, error))
      server.once('error', failed)
      server.listen({ port, ...(host === '' ? {} : { host }), backlog: 511 }, () => {
        server.off('error', failed)
        const address = server.address() as { readonly address: string; readonly port: number }
        resolve({ host: address.address, port: address.port })
      })
    })
  }

  setCertificates(entries: readonly CertificateEntry[]): void {
    if (this.#certificates === undefined) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this listener has no TLS')
    }
    this.#certificates.set(entries)
    const server = this.#server as Server & { setSecureContext?: (options: object) => void }
    server.setSecureContext?.({ ...TLS_OPTIONS, ...this.#certificates.standard })
  }

  stopAccepting(): void {
    this.#draining = true
    // Also closes connections of HTTP/1.1 that wait for a request.
    if (this.#server.listening) this.#server.close()
    this.#sessions.close()
  }

  drain(deadlineMs: number): Promise<void> {
    return this.#running.drain(deadlineMs)
  }

  destroy(): void {
    this.stopAccepting()
    // Each in its own way first: of HTTP/1.0 the end of a connection may be the end of an answer.
    for (const exchange of this.#running.exchanges.keys()) exchange.stalled('shutdown')
    this.#sessions.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }

  socketClosed(socket: ClosableSocket): void {
    this.#running.close(socket)
  }

  #listenToServer(): void {
    const server = this.#server
    server.on('connection', (socket: Socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#request(request, response, false),
    )
    // A client that asks whether to send its body is told when the body is read.
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#request(request, response, true),
    )
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      const refusal = refusalOfBytes(error, socket)
      this.refused(refusal)
      // Without TLS nothing can be said: an answer would wait for the handshake, and the socket with it.
      if (refusal.status === undefined) socket.on('error', () => {}).destroy()
      else refuseBytes(socket, statusOfClientError(error))
    })
    if (this.#options.webSocket !== undefined) {
      server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
        this.#upgrade(request, socket, head),
      )
    }
    server.on('connect', (request: IncomingMessage, target: Duplex | Http2ServerResponse) => {
      const http2 = target instanceof Http2ServerResponse
      const busy = !http2 && pendingAnswer(target) !== undefined
      const peer = peerText(request.socket.remoteAddress)
      const sent = excerpt(`CONNECT ${request.url}`)
      this.refused({ reason: 'connect', peer, status: busy ? undefined : 501, sent })
      if (http2) refuseStream(target.stream, 501)
      else if (busy) target.on('error', () => {}).destroy()
      else refuseBytes(target, 501)
    })
    // After `listen` worked: running out of file descriptors must not end the process.
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (server.listening) {
        this.refused({ reason: 'accept', peer: '', status: undefined, code: error.code })
      }
    })
  }

  #request(
    request: IncomingMessage,
    response: ServerResponse,
    kind: boolean | PendingUpgrade,
  ): void {
    let exchange: NodeExchange | undefined
    try {
      exchange = acceptRequest(request, response, { context: this, asks: kind === true })
      if (exchange === undefined) return
      if (typeof kind === 'object') this.#offer(exchange, kind)
      const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream }
      this.#track(exchange, stream ?? response, stream?.session as ServerHttp2Session | undefined)
      this.#handler?.(exchange)
    } catch {
      if (exchange === undefined) request.destroy()
      else if (exchange.responded) exchange.abort()
      else exchange.respond(500, [], { body: new Uint8Array(0) })
    }
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const pending = new PendingUpgrade(request, socket, head)
    this.#request(request, pending.response, pending)
  }

  /** The exchange can become a WebSocket. */
  #offer(exchange: NodeExchange, pending: PendingUpgrade): void {
    exchange.upgrade = (options, events) => {
      checkResponse(200, options.headers)
      if (pending.leaving) return undefined
      exchange.leave()
      try {
        const accepted = pending.accept(this.#socketServers, options)
        const socket = new NodeWebSocket(accepted, { options, events }, this)
        this.#running.open(socket)
        return socket
      } finally {
        this.#running.end(exchange)
      }
    }
  }

  #track(
    exchange: NodeExchange,
    stream: ServerHttp2Stream | ServerResponse,
    session: ServerHttp2Session | undefined,
  ): void {
    this.#running.begin(exchange, session)
    const pulse = session && this.#sessions.pulseOf(session)
    pulse?.begin()
    // Node lets a stream of HTTP/2 live on that its client reset with NO_ERROR.
    stream.on('aborted', () => stream.destroy())
    stream.on('close', () => {
      exchange.closed(isComplete(stream, exchange))
      this.#running.end(exchange)
      pulse?.end()
    })
  }
}

/** Node ends a stream of HTTP/2 that the client reset, as if all were well. */
function isComplete(stream: ServerHttp2Stream | ServerResponse, exchange: NodeExchange): boolean {
  if (!exchange.responded || !stream.writableFinished) return false
  return !('rstCode' in stream) || stream.rstCode === constants.NGHTTP2_NO_ERROR
}

/** Answers a stream of HTTP/2 that is no request, with the head alone. */
function refuseStream(stream: ServerHttp2Stream, status: number): void {
  new Http2Transport(stream).head({ status, headers: [], length: 0, close: true }, true)
}

/** Answers bytes that are no request, where that is still possible, and closes. */
function refuseBytes(socket: Duplex, status: number): void {
  // Node has let go of the socket: an error of it, as of a client that is gone, would end the process.
  socket.on('error', () => {})
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const reason = STATUS_CODES[status] ?? 'Bad Request'
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: ${reason.length}`
  socket.end(`${head}\r\n\r\n${reason}`, () => socket.destroy())
}
