import type { Dialer } from './dialer.ts'
import { sameKey } from './id.ts'
import type { DiscoveryLimits } from './limits.ts'

/**
 * Why an address is dialed: somebody named it, a node that came to us says that it is there, or our
 * owner told us to.
 */
export type Cause = 'named' | 'joined' | 'seed'

/** Who is to be dialed, and because of whom. */
export interface Reason {
  readonly cause: Cause
  /** Key, in hex, of the peer that named the address or says that it is there. */
  readonly by?: string | undefined
  /** Who is expected there. */
  readonly key?: Uint8Array | undefined
  /** It is tried once, and this told of it. */
  readonly onTried?: () => void
}

interface Entry {
  readonly dialer: Dialer
  readonly by: string | undefined
  cause: Cause
}

/**
 * The dialers there are, one an address. What peers say can fill no more than a part of them: each
 * has room for a few addresses where nobody ever answered, and these give way to a node that came
 * itself.
 */
export class Dialers {
  readonly #limits: DiscoveryLimits
  readonly #entries = new Map<string, Entry>()

  constructor(limits: DiscoveryLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  has(address: string): boolean {
    return this.#entries.has(address)
  }

  /** Dialers that answer yes. */
  count(holds: (dialer: Dialer) => boolean): number {
    let count = 0
    for (const { dialer } of this.#entries.values()) if (holds(dialer)) count++
    return count
  }

  [Symbol.iterator](): IterableIterator<[string, { dialer: Dialer; cause: Cause }]> {
    return this.#entries.entries()
  }

  add(address: string, dialer: Dialer, { cause, by }: Reason): void {
    this.#entries.set(address, { dialer, cause, by })
  }

  /** Ends a dialer. */
  drop(address: string): void {
    this.#entries.get(address)?.dialer.stop()
    this.#entries.delete(address)
  }

  /** A dialer gave up. */
  delete(address: string): void {
    this.#entries.delete(address)
  }

  stop(): void {
    for (const { dialer } of this.#entries.values()) dialer.stop()
  }

  /** Whether an address may be dialed; drops what gives way to it. */
  makeRoom(address: string, reason: Reason): boolean {
    const entry = this.#entries.get(address)
    if (entry) return this.#takesOver(address, entry, reason)
    if (reason.cause === 'seed') return true
    if (reason.cause === 'named') return this.#mayName(reason.by)
    // A node is where it says that it is, and nowhere else.
    this.#dropWhere(({ cause, by, dialer }) => {
      return cause === 'joined' && by === reason.by && !dialer.reached
    })
    return this.#entries.size < this.#limits.maxDialers || this.#displace()
  }

  /**
   * A node that came back with another key takes the place of the one that cannot be found there; who
   * came itself, of one that was only named.
   */
  #takesOver(address: string, entry: Entry, { cause, key }: Reason): boolean {
    if (entry.cause === 'seed') return false
    const { dialer } = entry
    if (sameKey(dialer.key, key)) {
      if (cause === 'joined') entry.cause = cause
      return false
    }
    const hearsay = cause === 'joined' && entry.cause === 'named' && !dialer.reached
    if (!dialer.failing && !hearsay) return false
    this.drop(address)
    return true
  }

  #mayName(peer: string | undefined): boolean {
    const { maxDialers, maxNamedDialers } = this.#limits
    if (this.#entries.size >= maxDialers) return false
    let named = 0
    for (const { cause, by, dialer } of this.#entries.values())
      if (cause === 'named' && by === peer && !dialer.reached) named++
    return named < maxNamedDialers
  }

  /** Who was only named goes first, then who does not answer. */
  #displace(): boolean {
    return (
      this.#dropWhere(({ cause, dialer }) => cause === 'named' && !dialer.reached) ||
      this.#dropWhere(({ cause, dialer }) => cause !== 'seed' && dialer.failing)
    )
  }

  /** Ends the oldest that matches. */
  #dropWhere(matches: (entry: Entry) => boolean): boolean {
    for (const [address, entry] of this.#entries) {
      if (!matches(entry)) continue
      this.drop(address)
      return true
    }
    return false
  }
}
