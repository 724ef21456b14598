import { type AddressInfo, createServer } from 'node:net'
import type { Address } from '../ports.ts'
import { TcpError } from './tcp-error.ts'
import { SOCKET_OPTIONS, TcpLink } from './tcp-link.ts'

/** Options of {@link listenTcp}. */
export interface ListenOptions {
  /** IPv4 or IPv6 without brackets, a host name, or '' for all interfaces. */
  readonly host: string
  /** 0 for one that is free. */
  readonly port: number
  /** Somebody connected. Open a channel over it, or destroy it. */
  readonly onLink: (link: TcpLink) => void
  /** Errors after the start, such as too many open files; it goes on listening. */
  readonly onError?: (error: Error) => void
}

/** A socket that takes connections. */
export interface TcpListener {
  /** The address really bound. */
  readonly address: Address
  /** Takes no more connections; those that are open go on. */
  close(): void
}

/**
 * Listens.
 * @throws TcpError `FLATEND_MONTE_LISTEN` that names the address and why it cannot be bound
 */
export function listenTcp({ host, port, onLink, onError }: ListenOptions): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, (socket) =>
      onLink(new TcpLink(socket)),
    )
    const failed = (error: Error): void =>
      reject(
        new TcpError('FLATEND_MONTE_LISTEN', {
          what: 'cannot listen on',
          endpoint: { host: host || '*', port },
          errors: [error],
        }),
      )
    if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
      failed(new Error(`${port} is no port: it is a number from 0 to 65535`))
      return
    }
    server.once('error', failed)
    server.listen({ ...(host === '' ? {} : { host }), port }, () => {
      server.off('error', failed)
      server.on('error', (error) => onError?.(error))
      const { address, port: bound } = server.address() as AddressInfo
      resolve({ address: { host: address, port: bound }, close: () => void server.close() })
    })
  })
}
