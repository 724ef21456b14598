import type { UwsWebSocket } from './web-socket.ts'

/** The part of uWebSockets.js this driver uses; its own typings come with an optional dependency. */
export interface UwsResponse {
  writeStatus(status: string): UwsResponse
  writeHeader(name: string, value: string): UwsResponse
  write(chunk: Uint8Array): boolean
  end(body?: string | Uint8Array, closeConnection?: boolean): UwsResponse
  endWithoutBody(): UwsResponse
  tryEnd(chunk: Uint8Array, totalSize: number): [ok: boolean, done: boolean]
  close(): UwsResponse
  cork(callback: () => void): UwsResponse
  getWriteOffset(): number
  onWritable(handler: (offset: number) => boolean): UwsResponse
  onAborted(handler: () => void): UwsResponse
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse
  getRemoteAddress(): ArrayBuffer
  /** Empty where no PROXY protocol header came. */
  getProxiedRemoteAddress(): ArrayBuffer
  pause(): void
  resume(): void
  // oxlint-disable-next-line eslint/max-params -- as the library has it
  upgrade(
    userData: UwsUserData,
    key: string,
    protocol: string,
    extensions: string,
    context: UwsSocketContext,
  ): void
  /** Newer versions: the head leaves without a first chunk. */
  beginWrite?(): UwsResponse
}

export interface UwsRequest {
  getCaseSensitiveMethod(): string
  getUrl(): string
  getQuery(): string | undefined
  forEach(callback: (name: string, value: string) => void): void
}

type UwsHandler = (response: UwsResponse, request: UwsRequest) => void

/** Opaque and native: unchecked below, never touched after it was closed. */
export type UwsListenSocket = object

/** Opaque and native: of one request, alive only as long as its response. */
export type UwsSocketContext = object

export type UwsUpgradeHandler = (
  response: UwsResponse,
  request: UwsRequest,
  context: UwsSocketContext,
) => void

/** What a socket is given with `upgrade`. */
interface UwsUserData {
  readonly link: UwsWebSocket
}

export interface UwsSocket {
  /** 1: sent, 0: kept, 2: dropped. */
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number
  getBufferedAmount(): number
  cork(callback: () => void): UwsSocket
  end(code: number, reason: string): void
  close(): void
  ping(): number
  getUserData(): UwsUserData
}

export interface UwsSocketBehavior {
  readonly maxPayloadLength: number
  readonly idleTimeout: number
  readonly sendPingsAutomatically: boolean
  readonly maxBackpressure: number
  readonly compression: number
  readonly upgrade: UwsUpgradeHandler
  readonly open: (socket: UwsSocket) => void
  readonly message: (socket: UwsSocket, data: ArrayBuffer, isBinary: boolean) => void
  readonly drain: (socket: UwsSocket) => void
  readonly ping: (socket: UwsSocket) => void
  readonly pong: (socket: UwsSocket) => void
  readonly close: (socket: UwsSocket, code: number, reason: ArrayBuffer) => void
}

export interface UwsApp {
  ws(pattern: string, behavior: UwsSocketBehavior): UwsApp
  any(pattern: string, handler: UwsHandler): UwsApp
  domain(name: string): UwsApp
  addServerName(name: string, files: UwsCertificateFiles): UwsApp
  listen(
    host: string,
    port: number,
    options: number,
    callback: (socket: UwsListenSocket | false) => void,
  ): UwsApp
  /** What this application is called by in `addChildAppDescriptor`. */
  getDescriptor(): unknown
  /** Connections that are accepted here go to such applications, by turns. */
  addChildAppDescriptor(descriptor: unknown): void
  removeChildAppDescriptor(descriptor: unknown): void
  close(): UwsApp
}

export interface UwsCertificateFiles {
  readonly key_file_name: string
  readonly cert_file_name: string
  readonly ssl_ciphers?: string
}

export interface Uws {
  App(): UwsApp
  SSLApp(files: UwsCertificateFiles): UwsApp
  us_listen_socket_close(socket: UwsListenSocket): void
  us_socket_local_port(socket: UwsListenSocket): number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number
  readonly SHARED_COMPRESSOR: number
  readonly SHARED_DECOMPRESSOR: number
}
