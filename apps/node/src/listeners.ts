import type { Link } from '@flatend/monte'
import { type Logger, silentLogger } from './logger.ts'
import type { Endpoint, Listener, Transport } from './transport.ts'

/** The sockets a node takes connections on, open before the node is there to take them. */
export class Listeners {
  readonly #transport: Transport
  readonly #log: Logger
  readonly #open: Listener[] = []
  #deliver: ((link: Link) => void) | undefined

  constructor(transport: Transport, log: Logger = silentLogger) {
    this.#transport = transport
    this.#log = log
  }

  /** Addresses really bound. */
  get addresses(): readonly Endpoint[] {
    return this.#open.map(({ address }) => address)
  }

  /** Binds all addresses. @throws the transport's error for the first that cannot be bound. */
  async open(addresses: readonly Endpoint[]): Promise<void> {
    for (const address of addresses) {
      const listener = await this.#transport.listen(address, {
        onLink: (link) => {
          if (this.#deliver) this.#deliver(link)
          else link.destroy()
        },
        onError: (error) => this.#log.warn({ err: error }, 'a listener failed'),
      })
      this.#open.push(listener)
    }
  }

  /** From now on connections go to `deliver`. */
  deliver(deliver: (link: Link) => void): void {
    this.#deliver = deliver
  }

  close(): void {
    for (const listener of this.#open) listener.close()
  }
}
