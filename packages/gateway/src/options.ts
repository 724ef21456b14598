import type { CertificateSource } from './certificate-source.ts'
import type { Compressors } from './compress/port.ts'
import type { GatewayConfig, ListenerConfig } from './config/types.ts'
import type { Driver, DriverOptions, Exchange } from './driver.ts'
import type { GatewayMetrics } from './metrics/meter.ts'
import type { Caller } from './ports.ts'
import type { FileStore } from './static/file-store.ts'
import type { TraceFields } from './transfer/trace-context.ts'

/** Where a gateway tells what it does; a pino logger fits. */
export interface GatewayLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** How a request ended, for the access log. */
export interface AccessEvent {
  readonly requestId: string
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  /** As sent, percent-encoded, without query. */
  readonly path: string
  /** The client's IP address. */
  readonly peer: string
  /** The route's path as configured; `undefined` where none matched. */
  readonly route: string | undefined
  /** Services the route calls, in order of preference. */
  readonly services: readonly string[]
  /** The status sent; `undefined` where the client left before any. */
  readonly status: number | undefined
  /** The `grpc-status` an answer of gRPC ended with; `undefined` where there was none. */
  readonly grpcStatus: number | undefined
  /** Bytes of the request body read. */
  readonly requestBytes: number
  /** Bytes of the response body handed to the driver. */
  readonly responseBytes: number
  readonly durationMs: number
  /** Until the call was begun: what the gateway itself took. `undefined` without a call. */
  readonly queueMs: number | undefined
  /** From there until the provider's answer began. `undefined` where it did not. */
  readonly providerMs: number | undefined
  /** Who answered, as `GatewayOptions.nameOf` says. */
  readonly provider: string | undefined
  /** Why the answer is not whole, or why it is an error; `undefined` where all went well. */
  readonly reason: string | undefined
  /** The answer was broken off, by the client or by the gateway. */
  readonly aborted: boolean
}

/** One request in a trace that somebody records. */
export interface RequestTrace {
  /** What the service is told. */
  readonly fields: TraceFields
  finish(event: AccessEvent): void
}

/** Records traces. Called for each request: be quick, do not throw. */
export interface GatewayTracer {
  /** `undefined`: this one is not recorded. */
  start(exchange: Exchange, requestId: string): RequestTrace | undefined
}

export interface GatewayOptions {
  /** What calls services: a mesh node, or any object that can `open` a call. */
  readonly caller: Caller
  /** From `parseConfig`. */
  readonly config: GatewayConfig
  /** Makes the HTTP server of one address, for instance `nodeDriver` of `@flatend/gateway/http2`. */
  readonly drivers: (listener: ListenerConfig, options: DriverOptions) => Driver | Promise<Driver>
  /** Reads static files and certificates: `createFiles()` of `@flatend/gateway/files`. */
  readonly files?: FileStore
  /**
   * Certificates that are checked, replaced as they change, and had by ACME: `createCertificates()`
   * of `@flatend/gateway/tls`. @default those of `files`, read once
   */
  readonly certificates?: CertificateSource
  /** Compresses answers: `createCompressors()` of `@flatend/gateway/zlib`. @default none does */
  readonly compressors?: Compressors
  /** Milliseconds that only rise. */
  readonly clock: { now(): number }
  /** Runs a function once the current tick's work is done. */
  readonly defer: (callback: () => void) => void
  /** Like Math.random; used for request ids. */
  readonly random: () => number
  /** @default says nothing */
  readonly log?: GatewayLog
  /**
   * Called once for each request, when it is over.
   * @param listener - whose request it was
   */
  readonly onAccess?: (event: AccessEvent, listener: ListenerConfig) => void
  /** With `false`, `onAccess` is called for requests of listeners with `access_log` alone. @default true */
  readonly accessAll?: boolean
  /** How the access log names who answered a call: what `CallHandle.peer` gave. */
  readonly nameOf?: (peer: unknown) => string | undefined
  /** @default records no traces; `traceparent` is passed on, or begun, all the same */
  readonly tracer?: GatewayTracer
  /** @default counts nothing */
  readonly metrics?: GatewayMetrics
}
