import type { Contact } from './contact.ts'
import { commonPrefix, ID_BITS, ID_LENGTH } from './id.ts'
import type { LookupRunOptions } from './lookup-run.ts'
import type { Clock, Timer } from './ports.ts'
import { BUCKET_SIZE, type RoutingTable } from './routing-table.ts'

/** Between the first search for ourselves and the second, in milliseconds (discovery §1). */
const EARLY = 1_000
/** A bucket nobody was searched in for so long is searched. */
const STALE = 900_000
/** Either way, so that nodes started together do not stay together. */
const JITTER = 0.1

/** What {@link Refresh} works with. */
export interface RefreshContext {
  readonly table: RoutingTable
  readonly clock: Clock
  readonly random: () => number
  /** Between two searches for ourselves, in milliseconds; 0 searches for nobody. */
  readonly intervalMs: number
  /** Searches; told of by {@link Refresh.looked} as every other lookup is. */
  readonly lookup: (target: Uint8Array, options: LookupRunOptions) => Promise<readonly Contact[]>
  readonly isConnected: (key: Uint8Array) => boolean
}

/**
 * Keeps the table true without anybody's calls: searches this node's own neighbourhood, and in each
 * bucket that nobody searched in for long and whose contacts no connection proves alive.
 */
export class Refresh {
  readonly #context: RefreshContext
  readonly #abort = new AbortController()
  /** When each bucket was last searched in, by prefix. */
  readonly #looked = new Map<number, number>()
  #since = 0
  #rounds = 0
  #timer: Timer | undefined
  #throughTimer: Timer | undefined
  /** Seeds that were reached and not searched from yet. */
  readonly #seeds: Contact[] = []

  constructor(context: RefreshContext) {
    this.#context = context
  }

  start(): void {
    this.#since = this.#context.clock.now()
    if (this.#context.intervalMs > 0) this.#round()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#throughTimer?.cancel()
    this.#abort.abort(new Error('the node is shutting down'))
  }

  /** A lookup begins: its bucket needs none for a while. */
  looked(target: Uint8Array): void {
    const at = commonPrefix(this.#context.table.self, target)
    if (at < ID_BITS) this.#looked.set(at, this.#context.clock.now())
  }

  /**
   * A seed was reached, perhaps again: searches ourselves from there. Our own contacts would lead
   * back to whom we know; where the network had fallen apart, the other part is behind the seed.
   */
  through(seed: Contact): void {
    if (this.#context.intervalMs === 0 || this.#abort.signal.aborted) return
    this.#seeds.push(seed)
    // Of two connections to one node the one that is kept is known by then.
    this.#throughTimer ??= this.#after(EARLY, () => {
      this.#throughTimer = undefined
      void this.#search([this.#context.table.self], { start: this.#seeds.splice(0) })
    })
  }

  /** While nobody is known there is nobody to ask: the first search waits for a contact. */
  #round(): void {
    const { table, intervalMs } = this.#context
    const first = this.#rounds === 0
    if (table.size > 0) {
      this.#rounds++
      void this.#search(first ? [table.self] : [table.self, ...this.#staleTargets()])
    }
    this.#timer = this.#after(first ? EARLY : intervalMs, () => this.#round())
  }

  #after(ms: number, then: () => void): Timer {
    const { clock, random } = this.#context
    return clock.schedule(ms * (1 - JITTER + random() * 2 * JITTER), then)
  }

  /** One after the other: a refresh has time. */
  async #search(
    targets: readonly Uint8Array[],
    options: { readonly start?: readonly Contact[] } = {},
  ): Promise<void> {
    const { lookup } = this.#context
    const { signal } = this.#abort
    try {
      for (const target of targets) await lookup(target, { ...options, signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /**
   * An id in each bucket that is stale, or has room and was never searched in (paper §2.3), before
   * those that the search for ourselves covers.
   */
  #staleTargets(): Uint8Array[] {
    const { table, clock } = this.#context
    const nearest = table.closest(table.self, BUCKET_SIZE)
    const farthest = nearest.at(-1)
    const end = farthest ? commonPrefix(table.self, farthest.key) : 0
    const before = clock.now() - STALE
    const targets: Uint8Array[] = []
    for (let at = 0; at < end; at++) {
      const looked = this.#looked.get(at)
      const hasRoom = looked === undefined && table.bucket(at).length < BUCKET_SIZE
      const isStale = (looked ?? this.#since) <= before && !this.#isAlive(at)
      if (hasRoom || isStale) targets.push(this.#idIn(at))
    }
    return targets
  }

  #isAlive(prefix: number): boolean {
    return this.#context.table.bucket(prefix).some(({ key }) => this.#context.isConnected(key))
  }

  /** A random id that shares exactly `prefix` first bits with ours. */
  #idIn(prefix: number): Uint8Array {
    const { table, random } = this.#context
    const id = new Uint8Array(table.self)
    const at = prefix >>> 3
    const rest = 0x7f >>> (prefix & 7)
    const own = (id[at] as number) ^ (0x80 >>> (prefix & 7))
    id[at] = (own & ~rest) | (Math.floor(random() * 256) & rest)
    for (let i = at + 1; i < ID_LENGTH; i++) id[i] = Math.floor(random() * 256)
    return id
  }
}
