import type { CompressConfig } from './compress.ts'
import type { StaticOptions } from './static.ts'
import type { WebSocketConfig } from './web-socket.ts'

/** A place in the configuration file; both count from 1. */
export interface SourcePosition {
  readonly line: number
  readonly column: number
}

/** One thing that is wrong, or worth knowing, in a configuration. */
export interface ConfigProblem extends SourcePosition {
  /** The file's name, as given to `parseConfig`. */
  readonly file: string
  /** Dotted key with array indexes, such as `http[0].routes[2].path`; empty for the file itself. */
  readonly key: string
  readonly message: string
  /** What would be right. */
  readonly allowed?: string
  /** The nearest right spelling, where there is one. */
  readonly suggestion?: string
}

/** An address to listen on. */
export interface ListenAddress {
  /** IP address or host name; empty for every interface, as `:3000` says. */
  readonly host: string
  readonly port: number
  readonly where: SourcePosition
}

/** Certificate files of a listener, PEM. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  readonly certificateWhere: SourcePosition
  readonly keyWhere: SourcePosition
}

/** Times of one listener in milliseconds; 0 is no limit. */
export interface ListenerTimeouts {
  readonly readMs: number
  readonly readHeaderMs: number
  readonly idleMs: number
  readonly writeMs: number
  readonly shutdownMs: number
}

/** One piece of a route's path, between slashes: `prefix`, then a parameter or nothing. */
export interface RouteSegment {
  readonly prefix: string
  /** Name of a `:name` or `*name`, in lower case. */
  readonly param?: string
  /** `*name`: takes the rest of the path. */
  readonly rest?: boolean
}

export interface ServiceTarget {
  readonly kind: 'service'
  /** In order of preference. */
  readonly services: readonly string[]
}

export interface StaticTarget {
  readonly kind: 'static'
  /** File or folder, as written. */
  readonly path: string
  readonly options: StaticOptions
  readonly where: SourcePosition
}

/** One `[[http.routes]]`. */
export interface RouteConfig {
  readonly method: string
  /** As written, without the method. */
  readonly path: string
  readonly segments: readonly RouteSegment[]
  readonly target: ServiceTarget | StaticTarget
  readonly noCache: boolean
  /** Longest time of a call in milliseconds; the caller's own default where it is not set. */
  readonly timeoutMs: number | undefined
  /** Largest request body in bytes; the listener's where it is not set. */
  readonly maxBodySize: number | undefined
  /** The route is a WebSocket. */
  readonly webSocket: WebSocketConfig | undefined
  readonly where: SourcePosition
}

/** One `[[http]]`. */
export interface ListenerConfig {
  readonly https: boolean
  /** Host names of an HTTPS listener; ignored without `https`, as in 2020. */
  readonly domains: readonly string[]
  readonly addresses: readonly ListenAddress[]
  readonly driver: 'auto' | 'uws' | 'node'
  readonly tls: TlsFiles | undefined
  /** Answers are compressed. */
  readonly compress: CompressConfig | undefined
  readonly redirectTrailingSlash: boolean
  readonly redirectFixedPath: boolean
  readonly timeouts: ListenerTimeouts
  /** Bytes of all request header fields. */
  readonly maxHeaderSize: number
  /** Bytes of a request body; `undefined` is no limit. */
  readonly maxBodySize: number | undefined
  readonly routes: readonly RouteConfig[]
  readonly where: SourcePosition
}

/** Who is let in: public keys as 64 hex digits. */
export interface AllowConfig {
  /** Nodes that may connect; all where it is absent. */
  readonly peers?: readonly string[]
  /** By service: nodes that may call it at this gateway's node, or answer it for the gateway. */
  readonly services?: Readonly<Record<string, readonly string[]>>
}

/** A whole configuration file, checked; frozen. */
export interface GatewayConfig {
  readonly file: string
  /** `host:port` the mesh node listens on, as written. */
  readonly addr: string | undefined
  /** `host:port` of nodes to join. */
  readonly bootstrap: readonly string[]
  readonly network: string | undefined
  /** Whether sessions of 2020 nodes are taken. */
  readonly legacy: boolean
  readonly secretKey: string | undefined
  readonly secretKeyFile: string | undefined
  readonly allow: AllowConfig | undefined
  readonly listeners: readonly ListenerConfig[]
  /** Accepted, but without the effect one may expect. */
  readonly warnings: readonly ConfigProblem[]
}
