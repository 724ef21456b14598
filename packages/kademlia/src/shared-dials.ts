import { toHex } from './id.ts'
import type { DialTarget, Network, Peer } from './ports.ts'

interface Dial {
  readonly made: Promise<Peer>
  readonly abort: AbortController
  waiting: number
}

/**
 * One dial at a time to a node, for all who want it: a lookup, a publisher and membership that come
 * upon the same node in the same moment would each make a connection, of which one is kept.
 */
export class SharedDials implements Network {
  readonly #network: Network
  /** Dials under way. */
  readonly #dials = new Map<string, Dial>()

  /** Only where the network below can. */
  readonly resolve?: (address: string) => Promise<readonly string[]>

  constructor(network: Network) {
    this.#network = network
    if (network.resolve) this.resolve = async (address) => (await network.resolve?.(address)) ?? []
  }

  connect(target: DialTarget, { signal }: { readonly signal: AbortSignal }): Promise<Peer> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const dial = this.#dial(target)
    dial.waiting++
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        // Who gives up last ends it for good.
        if (--dial.waiting === 0) dial.abort.abort(signal.reason)
        reject(signal.reason)
      }
      signal.addEventListener('abort', stop, { once: true })
      const settled = (): void => signal.removeEventListener('abort', stop)
      dial.made.then(resolve, reject)
      dial.made.then(settled, settled)
    })
  }

  #dial(target: DialTarget): Dial {
    const { address, key, relay } = target
    const name = `${address} ${key ? toHex(key) : ''} ${relay ? toHex(relay) : ''}`
    const known = this.#dials.get(name)
    if (known && !known.abort.signal.aborted) return known
    const abort = new AbortController()
    const made = this.#network.connect(target, { signal: abort.signal })
    const dial: Dial = { made, abort, waiting: 0 }
    this.#dials.set(name, dial)
    const over = (): void => {
      if (this.#dials.get(name) === dial) this.#dials.delete(name)
    }
    made.then(over, over)
    return dial
  }
}
