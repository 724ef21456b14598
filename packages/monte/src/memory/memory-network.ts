import type { Address, Clock, DialSignal } from '../ports.ts'
import { MemoryLink, type WireOptions } from './memory-link.ts'

/** Options of {@link createMemoryNetwork}. */
export interface MemoryNetworkOptions extends WireOptions {
  /** Needed: all that happens by chance follows from it. */
  readonly random: () => number
  /**
   * Chance that a connection is lost, each time either side writes. TCP loses no bytes in the
   * middle: what is lost takes the whole connection along. @default 0
   */
  readonly loss?: number
}

/** What {@link MemoryNetwork.listen} wants to know. */
export interface MemoryListenOptions {
  readonly host: string
  readonly port: number
  readonly onLink: (link: MemoryLink) => void
}

/** What {@link MemoryNetwork.dial} wants to know. */
export interface MemoryDialOptions {
  readonly host: string
  readonly port: number
  /** Address of who dials: what the listener sees, and what partitions go by. @default 10.0.0.1 */
  readonly from?: string
  readonly signal?: DialSignal
}

/** A listener in memory. */
export interface MemoryListener {
  readonly address: Address
  close(): void
}

/** Machines by their IP, connected by links with latency, loss and partitions. */
export interface MemoryNetwork {
  /** Takes connections. Port 0 chooses one. @throws Error where the address is taken */
  listen(options: MemoryListenOptions): Promise<MemoryListener>
  /** Connects, after one latency there and one back. Rejects where nobody listens. */
  dial(options: MemoryDialOptions): Promise<MemoryLink>
  /**
   * Splits the network: hosts reach only those of their own group, the rest forms one more group.
   * Connections between groups go silent and stay so; new ones fail after 1 s.
   */
  partition(groups: readonly (readonly string[])[]): void
  /** Ends the partition. Connections that went silent are cut. */
  heal(): void
  /** Connections that are open. */
  readonly connections: number
}

const FIRST_PORT = 20_000
const UNREACHABLE_AFTER_MS = 1_000
const DEFAULT_HOST = '10.0.0.1'

/** A network in memory. It does nothing by itself: pass time with its clock. */
export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new VirtualNetwork(options)
}

/** Two joined links, for tests that need no network. */
export function createLinkPair(options: WireOptions): readonly [MemoryLink, MemoryLink] {
  const a = new MemoryLink(options, { host: '10.0.0.2', port: 2 })
  const b = new MemoryLink(options, { host: '10.0.0.1', port: 1 })
  MemoryLink.join(a, b)
  return [a, b]
}

interface Connection {
  readonly hosts: readonly [string, string]
  readonly links: readonly [MemoryLink, MemoryLink]
}

class VirtualNetwork implements MemoryNetwork {
  readonly #options: MemoryNetworkOptions
  readonly #clock: Clock
  readonly #listeners = new Map<string, (link: MemoryLink) => void>()
  readonly #connections = new Set<Connection>()
  #group: ReadonlyMap<string, number> | undefined
  #port = FIRST_PORT

  constructor(options: MemoryNetworkOptions) {
    this.#options = options
    this.#clock = options.clock
  }

  get connections(): number {
    this.#forgetClosed()
    return this.#connections.size
  }

  async listen({ host, port, onLink }: MemoryListenOptions): Promise<MemoryListener> {
    const address = { host, port: port === 0 ? this.#port++ : port }
    const name = nameOf(address)
    if (this.#listeners.has(name)) throw new Error(`cannot listen on ${name}: it is taken`)
    this.#listeners.set(name, onLink)
    return { address, close: () => void this.#listeners.delete(name) }
  }

  dial({ host, port, from = DEFAULT_HOST, signal }: MemoryDialOptions): Promise<MemoryLink> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const reachable = this.#reaches(from, host)
      const delay = reachable ? 2 * this.#latency() : UNREACHABLE_AFTER_MS
      const timer = this.#clock.schedule(delay, () => {
        signal?.removeEventListener('abort', abort)
        const onLink = this.#listeners.get(nameOf({ host, port }))
        if (!reachable || !this.#reaches(from, host))
          reject(new Error(`cannot connect to ${nameOf({ host, port })}: it did not answer`))
        else if (onLink) resolve(this.#connect({ host, port }, from, onLink))
        else reject(new Error(`cannot connect to ${nameOf({ host, port })}: nothing listens there`))
      })
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }

  partition(groups: readonly (readonly string[])[]): void {
    this.#group = new Map(groups.flatMap((hosts, i) => hosts.map((host) => [host, i] as const)))
  }

  heal(): void {
    this.#forgetClosed()
    const silent = [...this.#connections].filter(({ hosts }) => !this.#reaches(...hosts))
    this.#group = undefined
    for (const { links } of silent) links[0].cut()
  }

  #connect(to: Address, from: string, onLink: (link: MemoryLink) => void): MemoryLink {
    const hosts = [from, to.host] as const
    const near = new NetworkLink(this.#options, to, () => this.#passes(connection))
    const far = new NetworkLink(this.#options, { host: from, port: this.#port++ }, () =>
      this.#passes(connection),
    )
    const connection: Connection = { hosts, links: [near, far] }
    MemoryLink.join(near, far)
    this.#connections.add(connection)
    onLink(far)
    return near
  }

  /** What a write meets: it goes through, vanishes in a partition, or the connection is lost. */
  #passes({ hosts, links }: Connection): boolean {
    if (!this.#reaches(...hosts)) return false
    const { loss = 0, random } = this.#options
    if (loss > 0 && random() < loss) {
      links[0].cut('the connection was lost')
      return false
    }
    return true
  }

  #reaches(a: string, b: string): boolean {
    return this.#group === undefined || this.#group.get(a) === this.#group.get(b)
  }

  #latency(): number {
    const { latency = 0, random } = this.#options
    return typeof latency === 'number' ? latency : latency[0] + random() * (latency[1] - latency[0])
  }

  #forgetClosed(): void {
    for (const connection of this.#connections)
      if (connection.links.every((link) => link.closed)) this.#connections.delete(connection)
  }
}

/** A link whose writes ask the network first. */
class NetworkLink extends MemoryLink {
  readonly #passes: () => boolean

  constructor(options: WireOptions, remote: Address, passes: () => boolean) {
    super(options, remote)
    this.#passes = passes
  }

  protected override reaches(): boolean {
    return this.#passes()
  }
}

function nameOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
