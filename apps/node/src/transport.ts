import type { AdmissionLimits, Link } from '@flatend/monte'
import { dialTcp, listenTcp } from '@flatend/monte/tcp'
import { systemResolve } from './resolve-host.ts'

/** An IP address or host name, without brackets, and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Where a {@link Transport} listens or connects. */
export interface Endpoint extends Address {
  /** `ws://…` or `wss://…`, whole, where it is a WebSocket; TCP otherwise. */
  readonly url?: string
}

/** Takes connections until closed. */
export interface Listener {
  /** The address really bound. */
  readonly address: Endpoint
  /** Takes no more connections; those that are open go on. */
  close(): void
}

/** Who hears of a {@link Listener}. */
export interface ListenHandlers {
  readonly onLink: (link: Link) => void
  readonly onError: (error: Error) => void
}

/** How a node reaches others: TCP and WebSockets by default, memory in tests. */
export interface Transport {
  listen(endpoint: Endpoint, handlers: ListenHandlers): Promise<Listener>
  dial(endpoint: Endpoint, options: { readonly signal: AbortSignal }): Promise<Link>
  /**
   * All IP addresses of a host name, now; each is then dialed as what it is. Where it is left out,
   * {@link Transport.dial} is given names.
   */
  resolve?(host: string): Promise<readonly string[]>
}

/** Options of {@link createTransport}. */
export interface TransportOptions {
  /** Web sites whose pages may connect by WebSocket. */
  readonly webOrigins?: readonly string[]
  /** Limits of connections, which hold for those that are no WebSocket yet too. */
  readonly limits?: Partial<AdmissionLimits>
  /** All addresses of a host name. @default what the system says */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

/** Loaded where an address asks for it: a tenth of what a node takes to start. */
const webSockets = () => import('./web-sockets.ts')

/** Connections over TCP, IPv4 and IPv6, host names resolved at each dial, and over WebSockets. */
export function createTransport({
  webOrigins = [],
  limits = {},
  resolve = systemResolve,
}: TransportOptions): Transport {
  return {
    resolve,
    async listen(endpoint, handlers) {
      if (endpoint.url !== undefined) {
        const { listenWebSocket } = await webSockets()
        return await listenWebSocket({ endpoint, handlers, webOrigins, limits })
      }
      const { host, port } = endpoint
      return await listenTcp({ host, port, ...handlers })
    },
    async dial({ host, port, url }, { signal }) {
      if (url !== undefined) return await (await webSockets()).dialNodeWebSocket(url, signal)
      return await dialTcp({ host, port, signal })
    },
  }
}
