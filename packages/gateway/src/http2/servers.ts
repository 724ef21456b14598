import { createServer, type ServerOptions } from 'node:http'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { Server } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { DriverOptions } from '../driver.ts'
import type { SecureContexts } from './certificates.ts'
import { TLS_OPTIONS } from './tls-options.ts'
import { UpgradeMessage } from './upgrade.ts'

/** Streams one HTTP/2 connection may have open (RFC 9113 §6.5.2 recommends no fewer than 100). */
const MAX_STREAMS = 256
/** Milliseconds between two looks for requests whose head takes too long. */
const CHECK_MS = 1_000

/** The server one listener needs: plain, TLS, or TLS with HTTP/2. */
export function createNodeServer(options: DriverOptions, certificates?: SecureContexts): Server {
  const http1: ServerOptions = {
    maxHeaderSize: options.maxHeaderSize,
    headersTimeout: options.readHeaderTimeoutMs,
    // A whole upload may take as long as it moves: the driver watches that.
    requestTimeout: 0,
    keepAliveTimeout: options.idleTimeoutMs,
    connectionsCheckingInterval: interval(options.readHeaderTimeoutMs),
    noDelay: true,
    // What no request may have twice is told from the raw headers.
    joinDuplicateHeaders: false,
    IncomingMessage: UpgradeMessage,
  }
  if (certificates === undefined) return withLimits(createServer(http1))
  const tls: TlsOptions = {
    SNICallback: (name, done) => done(null, certificates.find(name)),
    ...TLS_OPTIONS,
    ...certificates.standard,
    ...(options.readHeaderTimeoutMs > 0 ? { handshakeTimeout: options.readHeaderTimeoutMs } : {}),
  }
  if (options.http2 !== true) return withLimits(createHttpsServer({ ...http1, ...tls }))
  return createHttp2Server({
    ...http1,
    ...tls,
    allowHTTP1: true,
    Http1IncomingMessage: UpgradeMessage,
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: options.maxHeaderSize },
  } as never)
}

/** Node's limit of 2,000 headers cuts silently; its limit of bytes holds, and nothing is cut. */
function withLimits<T extends { maxHeadersCount: number | null }>(server: T): T {
  server.maxHeadersCount = 0
  return server
}

function interval(timeoutMs: number): number {
  return timeoutMs > 0 ? Math.min(CHECK_MS, Math.max(10, Math.ceil(timeoutMs / 4))) : CHECK_MS
}

/** What Node says of bytes that are no request, as a status. */
export function statusOfClientError(error: NodeJS.ErrnoException): number {
  switch (error.code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return 431
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408
    default:
      return 400
  }
}
