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
  /** Newer versions: the head leaves without a first chunk. */
  beginWrite?(): UwsResponse
}

export interface UwsRequest {
  getCaseSensitiveMethod(): string
  getUrl(): string
  getQuery(): string | undefined
  forEach(callback: (name: string, value: string) => void): void
}

export type UwsHandler = (response: UwsResponse, request: UwsRequest) => void

/** Opaque and native: unchecked below, never touched after it was closed. */
export type UwsListenSocket = object

export interface UwsApp {
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
}
