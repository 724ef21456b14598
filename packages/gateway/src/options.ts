import type { Compressors } from './compress/port.ts'
import type { GatewayConfig, ListenerConfig } from './config/types.ts'
import type { Driver, DriverOptions } from './driver.ts'
import type { Caller } from './ports.ts'
import type { FileStore } from './static/file-store.ts'

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
  /** Bytes of the request body read. */
  readonly requestBytes: number
  /** Bytes of the response body handed to the driver. */
  readonly responseBytes: number
  readonly durationMs: number
  /** Why the answer is not whole, or why it is an error; `undefined` where all went well. */
  readonly reason: string | undefined
  /** The answer was broken off, by the client or by the gateway. */
  readonly aborted: boolean
}

/** Counts requests. Called synchronously on the hot path: be quick, do not throw. */
export interface GatewayMetrics {
  requestStarted(): void
  requestFinished(event: AccessEvent): void
}

export interface GatewayOptions {
  /** What calls services: a mesh node, or any object that can `open` a call. */
  readonly caller: Caller
  /** From `parseConfig`. */
  readonly config: GatewayConfig
  /** Makes the HTTP server of one address, for instance `createHttp2Driver`. */
  readonly drivers: (listener: ListenerConfig, options: DriverOptions) => Driver | Promise<Driver>
  /** Reads static files and certificates: `createFiles()` of `@flatend/gateway/files`. */
  readonly files?: FileStore
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
  /** Called once for each request, when it is over. */
  readonly onAccess?: (event: AccessEvent) => void
  readonly metrics?: GatewayMetrics
}
