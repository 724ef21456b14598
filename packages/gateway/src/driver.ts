import type { Refusal } from './refusal.ts'
import type { ServerWebSocket, UpgradeOptions, WebSocketEvents } from './web-socket/port.ts'

/** A listener's certificate: PEM text, and the host names it is for (all when empty). */
export interface CertificateEntry {
  readonly names: readonly string[]
  readonly certificate: string
  readonly key: string
}

/** What a driver can and cannot do; the core adapts or refuses a configuration by it. */
export interface DriverCapabilities {
  readonly name: 'uws' | 'node'
  readonly http2: boolean
  readonly webSocket: boolean
  /** Header names, values and count of a request the server below takes at the most, in bytes. */
  readonly maxHeaderSize: number
}

/** Address a driver really bound. */
export interface Bound {
  readonly host: string
  readonly port: number
  /** What the driver cannot do on this machine; logged where it is there. */
  readonly warning?: string
}

/**
 * Limits and times one listener enforces, milliseconds and bytes; a time of 0 is no limit. Read and
 * write times are the longest pause without progress of a body, not the time of the whole.
 */
export interface DriverOptions {
  /** IP address or host name; empty for every interface, IPv6 and IPv4. */
  readonly host: string
  readonly port: number
  readonly certificates?: readonly CertificateEntry[]
  readonly http2?: boolean
  readonly readTimeoutMs: number
  readonly readHeaderTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly writeTimeoutMs: number
  /**
   * Silence after which a client of HTTP/2 whose requests run is asked whether it is there, by PING;
   * it is given up after as much again.
   * @default 15_000
   */
  readonly pingMs?: number
  readonly maxHeaderSize: number
  /** Takes WebSockets, with messages of so many bytes at the most. */
  readonly webSocket?: { readonly maxMessage: number }
  /** Told of clients that are turned away without a request, or because they stand still. */
  readonly onRefused?: (refusal: Refusal) => void
}

/** Body of a request, pulled: one read at a time. */
export interface RequestBody {
  /** Content-Length where the client sent one, in bytes. */
  readonly length: number | undefined
  /**
   * The next bytes, owned by the caller, or `null` at the end. Rejects when the client is gone, and
   * when it sends nothing for the read timeout.
   * @param patient - no read timeout: the client may have nothing to send yet. Drivers of HTTP/1.1
   * alone need not tell the difference
   */
  read(patient?: boolean): Promise<Uint8Array | null>
  /** The rest is not wanted. */
  cancel(): void
}

/** The answer's body. */
export interface BodySink {
  /** False: more is buffered than is sensible, wait for `ready`. `chunk` is owned by the sink. */
  write(chunk: Uint8Array): boolean
  ready(): Promise<void>
  /**
   * @param trailers - name, value, name, value …, checked like headers; sent by HTTP/2 where `respond`
   * was told of them, and by nothing else
   */
  end(chunk?: Uint8Array, trailers?: readonly string[]): void
  /** Breaks the connection, so that what was sent cannot be taken for the whole. */
  abort(): void
}

/** @param reason - why nobody wants the answer any more. @default the client is gone */
export type CloseListener = (reason?: string) => void

/** One request and its answer. Lives until it is answered whole or `onClose` fired. */
export interface Exchange {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  /** Path as sent, percent-encoding kept, no query. */
  readonly rawPath: string
  /** Query as sent, without `?`; empty when there is none. */
  readonly rawQuery: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  /**
   * name, value, name, value …; names in lower case, order and repeats kept. Values are text: the
   * driver reads their bytes as UTF-8, or as latin1 where they are no valid UTF-8.
   */
  readonly headers: readonly string[]
  /**
   * Remote IP address, without port; IPv4-mapped IPv6 shown as IPv4. May be empty where it is first
   * read after the answer.
   */
  readonly peer: string
  /** The client's IP address as the PROXY protocol told it, whoever said so. */
  readonly proxied?: string | undefined
  readonly body: RequestBody
  /** Called once if the client goes away before the answer is complete. */
  onClose(listener: CloseListener): void
  /**
   * Sends status and headers (checked: no CR, LF or NUL), once. With `end` the answer is complete
   * after it; `length` sets Content-Length, without it the body is chunked. The core never puts
   * content-length or hop-by-hop fields into `headers`; values may hold any character from U+0020
   * on, and the driver writes them as UTF-8.
   */
  respond(status: number, headers: readonly string[], options?: RespondOptions): BodySink
  /**
   * Instead of `respond`: makes the connection a WebSocket. Where it is there, the client asked for
   * one by GET and HTTP/1.1; that the handshake is right is for the core to check. The exchange is
   * over then. `drain` of the driver closes WebSockets with 1001 and waits for them.
   * @returns `undefined` where the client is about to leave: `onClose` tells
   * @throws GatewayError `FLATEND_GATEWAY_STATE` where it was answered, the client is gone, or a
   * header is not valid; it can be answered by `respond` then, unless it was
   */
  readonly upgrade?: UpgradeExchange | undefined
}

/** See {@link Exchange.upgrade}. */
export type UpgradeExchange = (
  options: UpgradeOptions,
  events: WebSocketEvents,
) => ServerWebSocket | undefined

export interface RespondOptions {
  readonly length?: number
  /** The whole body, so that head and body leave in one write. */
  readonly body?: Uint8Array
  /** The answer is complete with its head, whatever its status: no body follows. */
  readonly end?: boolean
  /** `end` of the body will be given trailers. */
  readonly trailers?: boolean
}

/** Called synchronously for each request; must not throw (a driver answers 500 if it does). */
export type ExchangeHandler = (exchange: Exchange) => void

/** One HTTP listener. */
export interface Driver {
  readonly capabilities: DriverCapabilities
  /** @throws GatewayError `FLATEND_GATEWAY_LISTEN` where the address is taken or not ours. */
  start(handler: ExchangeHandler): Promise<Bound>
  /** Replaces all certificates; connections go on. */
  setCertificates(entries: readonly CertificateEntry[]): void
  /** Closes the listening socket; what is open goes on, with `Connection: close`. */
  stopAccepting(): void
  /** Resolves when nothing runs any more, at the latest after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
  destroy(): void
}
