import { connect } from 'node:net'
import { TcpError } from './tcp-error.ts'
import { TcpLink } from './tcp-link.ts'

/** Options of {@link dialTcp}. */
export interface DialOptions {
  /** IPv4, IPv6 without brackets, or a host name: all its addresses are tried in turn. */
  readonly host: string
  readonly port: number
  readonly signal?: AbortSignal
}

/**
 * Connects to a listener.
 * @throws TcpError that names the address and why it cannot be reached; the signal's reason where it
 * is aborted
 */
export function dialTcp({ host, port, signal }: DialOptions): Promise<TcpLink> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const socket = connect({ host, port, autoSelectFamily: true, noDelay: true })
    const abort = (): void => {
      socket.destroy()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket.once('error', (error) => {
      signal?.removeEventListener('abort', abort)
      reject(new TcpError('FLATEND_MONTE_DIAL', { verb: 'cannot connect to', host, port }, error))
    })
    socket.once('connect', () => {
      signal?.removeEventListener('abort', abort)
      socket.removeAllListeners('error')
      resolve(new TcpLink(socket))
    })
  })
}
