import { type Contact, formatAddress } from './contact.ts'
import type { Clock, Network, Timer } from './ports.ts'
import type { RoutingTable } from './routing-table.ts'

/** From one set of probes to the next, in milliseconds; also until a failed one is tried again. */
const TICK = 30_000
const JITTER = 0.1

/** What {@link Probes} works with. */
export interface ProbesContext {
  readonly table: RoutingTable
  readonly network: Network
  readonly clock: Clock
  readonly random: () => number
  /** Each contact is probed once in so long, in milliseconds; 0 probes nobody. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly isConnected: (key: Uint8Array) => boolean
  /** A contact could not be reached. */
  readonly failed: (key: Uint8Array) => void
}

/**
 * Dials the contacts that no connection proves alive, on a schedule of its own and never because of
 * what others send: lookups alone ask the nearest few of a bucket and leave the dead among the rest.
 */
export class Probes {
  readonly #context: ProbesContext
  readonly #dials = new Set<AbortController>()
  /** Who is still to be probed this time round. */
  #left: Contact[] = []
  #share = 0
  /** Who failed once: the second failure tells whether it is gone. */
  #doubtful: Contact[] = []
  #timer: Timer | undefined
  #stopped = false

  constructor(context: ProbesContext) {
    this.#context = context
  }

  start(): void {
    if (this.#context.intervalMs > 0) this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stopped = true
    for (const dial of this.#dials) dial.abort(new Error('the node is shutting down'))
  }

  #schedule(): void {
    const { clock, random } = this.#context
    this.#timer = clock.schedule(TICK * (1 - JITTER + random() * 2 * JITTER), () => {
      this.#tick()
      this.#schedule()
    })
  }

  #tick(): void {
    const { table, intervalMs, isConnected } = this.#context
    if (this.#left.length === 0) {
      this.#left = table.contacts().filter(({ key }) => !isConnected(key))
      this.#share = Math.ceil((this.#left.length * TICK) / intervalMs)
    }
    const due = [...this.#doubtful, ...this.#left.splice(-this.#share, this.#share)]
    this.#doubtful = []
    for (const contact of due) {
      if (table.has(contact.key) && !isConnected(contact.key)) this.#probe(contact)
    }
  }

  /** That it was reached the table learns as it does of every connection. */
  #probe(contact: Contact): void {
    const { network, clock, timeoutMs, failed } = this.#context
    const { key, address } = contact
    const abort = new AbortController()
    const timer = clock.schedule(timeoutMs, () => abort.abort(new Error('no answer to a probe')))
    const end = (): void => {
      timer.cancel()
      this.#dials.delete(abort)
    }
    this.#dials.add(abort)
    network
      .connect({ address: formatAddress(address), key }, { signal: abort.signal })
      .then(end, () => {
        end()
        if (this.#stopped) return
        failed(key)
        this.#doubtful.push(contact)
      })
  }
}
