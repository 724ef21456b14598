import type { Link } from '@flatend/monte'
import { dialTcp, listenTcp } from '@flatend/monte/tcp'

/** An IP address or host name, without brackets, and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Takes connections until closed. */
export interface Listener {
  /** The address really bound. */
  readonly address: Address
  /** Takes no more connections; those that are open go on. */
  close(): void
}

/** How a node reaches others: TCP by default, memory in tests. */
export interface Transport {
  listen(
    address: Address,
    handlers: { readonly onLink: (link: Link) => void; readonly onError: (error: Error) => void },
  ): Promise<Listener>
  dial(address: Address, options: { readonly signal: AbortSignal }): Promise<Link>
}

/** Connections over TCP, IPv4 and IPv6, host names resolved at each dial. */
export const tcpTransport: Transport = {
  async listen({ host, port }, { onLink, onError }) {
    return await listenTcp({ host, port, onLink, onError })
  },
  async dial({ host, port }, { signal }) {
    return await dialTcp({ host, port, signal })
  },
}
