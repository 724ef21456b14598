import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { type Endpoint, TcpError } from './tcp-error.ts'
import { SOCKET_OPTIONS, TcpLink } from './tcp-link.ts'

/** After this time without an answer the next address is tried as well (RFC 8305 §5). */
const NEXT_AFTER_MS = 250

/** Options of {@link dialTcp}. */
export interface DialOptions extends Endpoint {
  /** IPv4, IPv6 without brackets, or a host name: all its addresses are tried, in turn. */
  readonly host: string
  readonly port: number
  /** Gives up, with the signal's reason. @default as long as the system tries */
  readonly signal?: AbortSignal
}

/**
 * Connects to a listener. The first of a name's addresses that answers is taken.
 * @throws TcpError `FLATEND_MONTE_DIAL` that names the address and why it cannot be reached; the
 * signal's reason where it is aborted
 */
export async function dialTcp(options: DialOptions): Promise<TcpLink> {
  const { host, port, signal } = options
  signal?.throwIfAborted()
  if (!Number.isInteger(port) || port < 1 || port > 0xffff)
    throw failure(options, [new Error(`${port} is no port: it is a number from 1 to 65535`)])
  const hosts = isIP(host) ? [host] : await resolve(options)
  signal?.throwIfAborted()
  return new TcpLink(await new Race(options, hosts).winner)
}

async function resolve(options: DialOptions): Promise<readonly string[]> {
  try {
    const found = await lookup(options.host, { all: true })
    return found.map(({ address }) => address)
  } catch (error) {
    throw failure(options, [error as Error])
  }
}

function failure({ host, port }: Endpoint, errors: readonly Error[]): TcpError {
  return new TcpError('FLATEND_MONTE_DIAL', {
    what: 'cannot connect to',
    endpoint: { host, port },
    errors,
  })
}

/** Attempts that start one after the other and go on side by side until one is connected. */
class Race {
  readonly winner: Promise<Socket>
  readonly #options: DialOptions
  readonly #waiting: string[]
  readonly #sockets = new Set<Socket>()
  readonly #errors: Error[] = []
  #timer: NodeJS.Timeout | undefined
  #settle: { resolve(socket: Socket): void; reject(reason: unknown): void } | undefined

  constructor(options: DialOptions, hosts: readonly string[]) {
    this.#options = options
    this.#waiting = [...hosts]
    this.winner = new Promise((resolveWinner, reject) => {
      this.#settle = { resolve: resolveWinner, reject }
    })
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    this.#next()
  }

  #next(): void {
    clearTimeout(this.#timer)
    const host = this.#waiting.shift()
    if (host === undefined) {
      if (this.#sockets.size === 0) this.#lose(failure(this.#options, this.#errors))
      return
    }
    const socket = connect({ host, port: this.#options.port, ...SOCKET_OPTIONS })
    this.#sockets.add(socket)
    socket.once('connect', () => this.#win(socket))
    socket.once('error', (error) => {
      this.#sockets.delete(socket)
      this.#errors.push(error)
      this.#next()
    })
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#next(), NEXT_AFTER_MS)
  }

  readonly #abort = (): void => this.#lose(this.#options.signal?.reason)

  #win(socket: Socket): void {
    this.#sockets.delete(socket)
    socket.removeAllListeners('error').removeAllListeners('connect')
    this.#stop()
    this.#settle?.resolve(socket)
  }

  #lose(reason: unknown): void {
    this.#stop()
    this.#settle?.reject(reason)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#abort)
    for (const socket of this.#sockets) {
      socket.removeAllListeners().on('error', () => undefined)
      socket.destroy()
    }
    this.#sockets.clear()
    this.#waiting.length = 0
  }
}
