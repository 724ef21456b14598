import type {
  Bound,
  CertificateEntry,
  Driver,
  DriverCapabilities,
  DriverOptions,
  ExchangeHandler,
} from '../driver.ts'
import { GatewayError } from '../errors.ts'
import { isToken } from '../http2/header-check.ts'
import { listenError } from '../http2/listen-error.ts'
import { peerOfBytes } from '../http2/peer.ts'
import { PulseWatch } from '../http2/pulse.ts'
import { Running } from '../http2/running.ts'
import { StallWatch } from '../http2/stall.ts'
import type { ClosableSocket, SocketContext } from '../http2/web-socket.ts'
import { excerpt, type Refusal } from '../refusal.ts'
import { createApp } from './app.ts'
import { type ExchangeContext, UwsExchange } from './exchange.ts'
import { statusLine } from './head.ts'
import { loadUws, uwsHeaderLimit } from './load.ts'
import { probeAddress } from './probe.ts'
import { limitReceiveBuffer, openSockets } from './receive-buffer.ts'
import { readRequestHead } from './request-head.ts'
import { afterTurn } from './turn.ts'
import type {
  Uws,
  UwsApp,
  UwsListenSocket,
  UwsRequest,
  UwsResponse,
  UwsSocketContext,
} from './types.ts'
import { socketBehavior, upgradeExchange } from './web-socket.ts'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'])

/** What no target has (RFC 9112 §3.2): a fragment, and the one control character the library lets in. */
const UNFIT = /[#\x7f]/

/** Times a port of the system's choice is asked for. */
const MAX_ATTEMPTS = 10

/**
 * One HTTP/1.1 listener by uWebSockets.js.
 *
 * @throws GatewayError `FLATEND_GATEWAY_DRIVER` where uWebSockets.js does not load,
 *   `FLATEND_GATEWAY_CONFIG` where a certificate and its key are not right.
 */
export function uwsDriver(options: DriverOptions): Driver {
  const loaded = loadUws()
  if ('error' in loaded) {
    const { error: cause } = loaded
    throw new GatewayError('FLATEND_GATEWAY_DRIVER', cause.message, { cause })
  }
  return new UwsDriver(loaded.uws, options)
}

const UNLIMITED =
  'receive buffers cannot be limited here: an upload that is sent much faster than its service reads it is cut off after 16 MiB (driver = "node" holds it back)'

class UwsDriver implements Driver, ExchangeContext, SocketContext {
  readonly capabilities: DriverCapabilities
  readonly scheme: 'http' | 'https'
  readonly reads: StallWatch
  readonly writes: StallWatch
  readonly pulses: PulseWatch
  readonly #uws: Uws
  readonly #options: DriverOptions
  readonly #running = new Running<UwsExchange, undefined>()
  /**
   * First the application that listens; last the one that serves new connections, where it is
   * another. Those between serve connections of older certificates.
   */
  #apps: UwsApp[]
  #handler: ExchangeHandler | undefined
  /** The receive buffers of connections are small, so that pausing them holds. */
  #limited = false
  #socket: UwsListenSocket | undefined
  #bound: Bound | undefined
  #draining = false
  #destroyed = false

  constructor(uws: Uws, options: DriverOptions) {
    this.#uws = uws
    this.#options = options
    this.scheme = options.certificates === undefined ? 'http' : 'https'
    this.reads = new StallWatch(options.readTimeoutMs)
    this.writes = new StallWatch(options.writeTimeoutMs)
    this.pulses = new PulseWatch(options.writeTimeoutMs)
    this.capabilities = {
      name: 'uws',
      http2: false,
      webSocket: options.webSocket !== undefined,
      maxHeaderSize: Math.min(options.maxHeaderSize, uwsHeaderLimit()),
    }
    this.#apps = [createApp(uws, options.certificates, this.#routes)]
  }

  get draining(): boolean {
    return this.#draining
  }

  async start(handler: ExchangeHandler): Promise<Bound> {
    if (this.#handler !== undefined || this.#destroyed) {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'a driver starts once')
    }
    this.#handler = handler
    const { host, port } = this.#options
    for (let attempt = 1; this.#socket === undefined; attempt++) {
      const bound = await probeAddress(host, port)
      if (this.#destroyed) {
        throw new GatewayError('FLATEND_GATEWAY_STATE', 'destroyed while starting')
      }
      // A port of the system's choice may be gone by now: there are others.
      if (this.#listen(bound)) this.#bound = bound
      else if (port !== 0 || attempt === MAX_ATTEMPTS) throw listenError(host, port, undefined)
    }
    if (this.#bound === undefined) throw listenError(host, port, undefined)
    return this.#limited ? this.#bound : { ...this.#bound, warning: UNLIMITED }
  }

  /**
   * Live connections keep what they have. The application that listens goes on listening, so that no
   * connection under way is lost, and hands what it accepts to the newest.
   */
  setCertificates(entries: readonly CertificateEntry[]): void {
    if (this.scheme === 'http') {
      throw new GatewayError('FLATEND_GATEWAY_STATE', 'this listener has no TLS')
    }
    const app = createApp(this.#uws, entries, this.#routes)
    if (this.#draining) {
      app.close()
      return
    }
    const [listening] = this.#apps
    const last = this.#apps.at(-1)
    listening?.addChildAppDescriptor(app.getDescriptor())
    if (last !== listening) listening?.removeChildAppDescriptor(last?.getDescriptor())
    this.#apps.push(app)
  }

  stopAccepting(): void {
    this.#draining = true
    this.#close()
  }

  drain(deadlineMs: number): Promise<void> {
    return this.#running.drain(deadlineMs)
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.stopAccepting()
    for (const app of this.#apps) app.close()
    this.#apps = []
  }

  closed(exchange: UwsExchange): void {
    this.#running.end(exchange)
  }

  socketClosed(socket: ClosableSocket): void {
    this.#running.close(socket)
  }

  refused(refusal: Refusal): void {
    this.#options.onRefused?.(refusal)
  }

  #listen({ host, port }: Bound): boolean {
    const before = openSockets()
    const flag = this.#uws.LIBUS_LISTEN_EXCLUSIVE_PORT
    this.#apps[0]?.listen(host, port, flag, (socket) => {
      this.#socket = socket === false ? undefined : socket
    })
    if (this.#socket === undefined) return false
    this.#limited = limitReceiveBuffer(before, port)
    return true
  }

  #close(): void {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) this.#uws.us_listen_socket_close(socket)
  }

  readonly #routes = (app: UwsApp): UwsApp => {
    const { webSocket } = this.#options
    app.any('/*', (response, request) => this.#route(response, request))
    if (webSocket === undefined) return app
    const upgrade = this.#route.bind(this)
    return app.ws('/*', socketBehavior(this.#uws, webSocket.maxMessage, upgrade))
  }

  /** With `socket` the client asks for a WebSocket. */
  #route(response: UwsResponse, request: UwsRequest, socket?: UwsSocketContext): void {
    let exchange: UwsExchange | undefined
    let gone = false
    // Before anything that may throw: without it the library ends the process.
    response.onAborted(() => {
      gone = true
      exchange?.aborted()
    })
    try {
      exchange = this.#accept(response, request)
      if (exchange === undefined) return
      this.#running.begin(exchange, undefined)
      if (socket !== undefined) this.#offer(exchange, socket)
      this.#handler?.(exchange)
    } catch {
      if (gone) return
      if (exchange?.responded === true) exchange.abort()
      else if (exchange === undefined) refuse(response, 500)
      else exchange.respond(500, [], { body: new Uint8Array(0) })
    }
  }

  /** The exchange can become a WebSocket. */
  #offer(exchange: UwsExchange, native: UwsSocketContext): void {
    exchange.upgrade = (options, events) => {
      const link = upgradeExchange({ exchange, native, context: this }, options, events)
      this.#running.open(link)
      return link
    }
  }

  #accept(response: UwsResponse, request: UwsRequest): UwsExchange | undefined {
    // Not `getMethod`: it writes lower case over what this one reads.
    const method = request.getCaseSensitiveMethod()
    const path = request.getUrl()
    const query = request.getQuery() ?? ''
    const head = readRequestHead(request, this.capabilities.maxHeaderSize)
    const line = METHODS.has(method) || isToken(method)
    const target = path.startsWith('/') || path === '*'
    if (head.refuse === 0 && line && target && !UNFIT.test(path) && !UNFIT.test(query)) {
      return new UwsExchange(response, { line: { method, path, query }, head }, this)
    }
    const large = head.refuse === 431
    const status = large ? 431 : 400
    this.refused({
      reason: large ? 'headers-too-large' : 'malformed',
      peer: peerOfBytes(new Uint8Array(response.getRemoteAddress())),
      status,
      sent: excerpt(`${method} ${path}`),
    })
    refuse(response, status)
    return undefined
  }
}

/**
 * Answers what cannot be a request, and closes: what follows on the connection is not to be trusted.
 * Not on the stack of the parser, which would go on with it.
 */
function refuse(response: UwsResponse, status: number): void {
  let gone = false
  response.onAborted(() => {
    gone = true
  })
  afterTurn(() => {
    if (gone) return
    const line = statusLine(status)
    response.cork(() => response.writeStatus(line).end(line.slice(4), true))
  })
}
