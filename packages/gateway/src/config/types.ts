import type { HeaderEdits } from '../edge/edge-exchange.ts'
import type { TrustedProxies } from '../edge/proxies.ts'
import type { CompressConfig } from './compress.ts'
import type { EdgeConfig } from './edge.ts'
import type { GrpcConfig } from './grpc.ts'
import type { MembershipConfig } from './membership.ts'
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

/** A certificate of a listener and its key: PEM files. */
export interface TlsFiles {
  /** Host names it is for; those the certificate itself names, where there are none. */
  readonly names: readonly string[]
  readonly certificate: string
  readonly key: string
  readonly certificateWhere: SourcePosition
  readonly keyWhere: SourcePosition
}

/** Certificates by themselves (ACME, RFC 8555): one for each domain of the listener. */
export interface AcmeConfig {
  /** URL of the CA's directory. */
  readonly directory: string
  /** Where the CA may write to. */
  readonly email: string | undefined
  /** Folder of account, certificates and keys; the program's own where it is not set. */
  readonly storage: string | undefined
  /** PEM file of the CAs that the directory's own TLS is checked by; the system's where it is not set. */
  readonly ca: string | undefined
  readonly where: SourcePosition
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

/** Clients are sent elsewhere. */
export interface RedirectTarget {
  readonly kind: 'redirect'
  /** Path or URL; `:name` and `*name` between slashes are the route's parameters. */
  readonly to: string
  readonly status: number
}

/** One `[[http.routes]]`, for one method. */
export interface RouteConfig extends EdgeConfig {
  readonly method: string
  /** As written, without the method. */
  readonly path: string
  readonly segments: readonly RouteSegment[]
  readonly target: ServiceTarget | StaticTarget | RedirectTarget
  readonly noCache: boolean
  /** Longest time of a call in milliseconds; the caller's own default where it is not set. */
  readonly timeoutMs: number | undefined
  /** Largest request body in bytes; the listener's where it is not set. */
  readonly maxBodySize: number | undefined
  /** Field whose value decides on the provider: `params.id`, a header. */
  readonly key: string | undefined
  /** Service that is asked whether a request may pass. */
  readonly auth: string | undefined
  readonly headers: HeaderEdits | undefined
  /** Whether calls may be sent to a second provider. */
  readonly retry: boolean
  /** The route is a WebSocket. */
  readonly webSocket: WebSocketConfig | undefined
  /** Cache-Control of good answers that have none. */
  readonly cache: string | undefined
  /** The route carries gRPC. */
  readonly grpc: GrpcConfig | undefined
  readonly where: SourcePosition
}

/** One `[[http]]`. */
export interface ListenerConfig extends EdgeConfig {
  readonly https: boolean
  /** Host names of an HTTPS listener; ignored without `https`, as in 2020. */
  readonly domains: readonly string[]
  readonly addresses: readonly ListenAddress[]
  readonly driver: 'auto' | 'uws' | 'node'
  /** HTTP/2 beside HTTP/1.1; as the driver can where it is not set. */
  readonly http2: boolean | undefined
  /** The first is for clients that name no host, or one that no certificate is for. */
  readonly tls: readonly TlsFiles[]
  readonly acme: AcmeConfig | undefined
  /** Port of the HTTPS listener that everything here is redirected to. */
  readonly redirectHttps: number | undefined
  readonly trustedProxies: TrustedProxies | undefined
  /** Answers are compressed. */
  readonly compress: CompressConfig | undefined
  readonly redirectTrailingSlash: boolean
  readonly redirectFixedPath: boolean
  readonly timeouts: ListenerTimeouts
  /** Bytes of all request header fields. */
  readonly maxHeaderSize: number
  /** Bytes of a request body; `undefined` is no limit. */
  readonly maxBodySize: number | undefined
  /** One line for each request; `json` whatever the log looks like otherwise. */
  readonly accessLog: boolean | 'json'
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

/** The listener of operations. */
export interface AdminConfig {
  readonly address: ListenAddress
  /** May be reached from other machines. */
  readonly open: boolean
  /** Host names it answers to, beside `localhost` and IP addresses. */
  readonly hosts: readonly string[]
}

/** A whole configuration file, checked; frozen. */
export interface GatewayConfig extends MembershipConfig {
  readonly file: string
  /** `host:port` the mesh node listens on, as written. */
  readonly addr: string | undefined
  /** `host:port` of nodes to join. */
  readonly bootstrap: readonly string[]
  /** File that keeps the nodes met for the next start (`peer_cache`). */
  readonly peerCache: string | undefined
  /** Carry bytes between nodes that cannot reach each other. */
  readonly relay: boolean | undefined
  /** Look for nodes on the local network (`lan`), on one interface (`lan_interface`). */
  readonly lan: true | { readonly interface: string } | undefined
  readonly network: string | undefined
  /** Whom the mesh node expects to meet; `open` where anybody may join. */
  readonly profile: 'trusted' | 'open' | undefined
  /** Whether sessions of 2020 nodes are taken. */
  readonly legacy: boolean
  readonly secretKey: string | undefined
  readonly secretKeyFile: string | undefined
  readonly secretKeyFileWhere: SourcePosition
  readonly allow: AllowConfig | undefined
  readonly admin: AdminConfig | undefined
  /** How long `/readyz` says no before listeners close at a shutdown, in milliseconds. */
  readonly shutdownDelayMs: number
  readonly listeners: readonly ListenerConfig[]
  /** Accepted, but without the effect one may expect. */
  readonly warnings: readonly ConfigProblem[]
}
