import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Writable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { isOwnField } from './header-check.ts'
import { fieldBytes } from './header-text.ts'

const EMPTY = new Uint8Array(0)

/** Head of an answer, checked. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly string[]
  /** Content-Length to tell. */
  readonly length: number | undefined
  readonly close: boolean
  /** Trailers follow the body. */
  readonly trailers?: boolean | undefined
}

/** Where answers differ between HTTP/1.1 and HTTP/2. */
export interface Transport {
  readonly writable: Writable
  /** Sends the head; with `end`, nothing follows. */
  head(head: ResponseHead, end: boolean): void
  /** Head and whole body in one. */
  whole(head: ResponseHead, body: Uint8Array): void
  /** What follows the body, told before its end. HTTP/1.1 has none: hardly a client reads them. */
  trailers(fields: readonly string[]): void
  abort(): void
}

/** HTTP/1.1 by `node:http`. */
export class Http1Transport implements Transport {
  readonly writable: ServerResponse
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.writable = response
  }

  head(head: ResponseHead, end: boolean): void {
    const response = this.writable
    response.writeHead(head.status, flatHeaders(head))
    if (end) response.end()
    // Not `flushHeaders`: it would encode the bytes of the fields once more.
    else response.write(EMPTY)
  }

  whole(head: ResponseHead, body: Uint8Array): void {
    this.writable.writeHead(head.status, flatHeaders(head))
    this.writable.end(body)
  }

  trailers(): void {}

  abort(): void {
    const { httpVersion, socket } = this.#request
    // An answer of HTTP/1.0 may end with its connection: an orderly end would make it whole.
    if (httpVersion === '1.0' && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
    else socket.destroy()
  }
}

function flatHeaders({ status, headers, length, close }: ResponseHead): string[] {
  const flat: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!isOwnField(name)) flat.push(name, fieldBytes(headers[i + 1] as string))
  }
  if (length !== undefined) flat.push('content-length', String(length))
  if (close) flat.push('connection', 'close')
  // RFC 9110 §7.8: what Upgrade names is for this connection.
  else if (status === 426) flat.push('connection', 'upgrade')
  return flat
}

/** One stream of HTTP/2. */
export class Http2Transport implements Transport {
  readonly writable: ServerHttp2Stream
  #trailers: readonly string[] = []

  constructor(stream: ServerHttp2Stream) {
    this.writable = stream
    stream.on('error', () => {})
  }

  head(head: ResponseHead, end: boolean): void {
    if (this.writable.destroyed) return
    const waitForTrailers = head.trailers === true && !end
    if (waitForTrailers) {
      // Node's compatibility layer would send none, first.
      this.writable.removeAllListeners('wantTrailers')
      this.writable.once('wantTrailers', () => this.#sendTrailers())
    } else if (!this.writable.endAfterHeaders) {
      this.writable.once('finish', () => this.#endUpload())
    }
    this.writable.respond(groupedHeaders(head), { endStream: end, waitForTrailers })
  }

  whole(head: ResponseHead, body: Uint8Array): void {
    this.head(head, false)
    this.writable.end(body)
  }

  trailers(fields: readonly string[]): void {
    this.#trailers = fields
  }

  #sendTrailers(): void {
    try {
      this.writable.sendTrailers(grouped(this.#trailers))
    } catch {
      // Node refuses some fields, such as two values where there is one by definition.
      this.abort()
      return
    }
    this.#endUpload()
  }

  /** A client that sends on after the answer would keep its stream for ever (RFC 9113 §8.1). */
  #endUpload(): void {
    setImmediate(() => {
      const { writable } = this
      if (writable.destroyed || writable.closed || writable.state.remoteClose === 1) return
      writable.close(constants.NGHTTP2_NO_ERROR)
    })
  }

  abort(): void {
    // With `close` a clean end could leave before the reset.
    this.writable.destroy(new Error('broken off'))
  }
}

function groupedHeaders({
  status,
  headers,
  length,
}: ResponseHead): Record<string, string | string[]> {
  const all = grouped(headers)
  all[':status'] = String(status)
  if (length !== undefined) all['content-length'] = String(length)
  return all
}

function grouped(headers: readonly string[]): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = { __proto__: null } as never
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    // HTTP/2 knows no upgrade (RFC 9113 §8.2.2).
    if (isOwnField(name) || name === 'upgrade') continue
    const value = fieldBytes(headers[i + 1] as string)
    const before = all[name]
    if (before === undefined) all[name] = value
    else if (Array.isArray(before)) before.push(value)
    else all[name] = [before, value]
  }
  return all
}
