import type { Writer } from '@flatend/wire'
import { WATCH } from './codec.ts'
import type { Contact } from './contact.ts'
import { toHex } from './id.ts'
import type { Clock, Peer } from './ports.ts'
import type { Reach } from './reach.ts'
import { readWatchAnswer, writeWatch } from './record-codec.ts'

/** Holders watched for one service (discovery §4). */
const WATCHED = 3
/** How long a watch is asked for, in seconds; it is renewed when half of that is over. */
const TTL = 300

interface Watch {
  readonly contact: Contact
  /** When it was granted, by the clock; nothing while that is not known. */
  at: number | undefined
}

/** The watches this node has at the nearest holders of a service's records. */
export class ServiceWatches {
  readonly #reach: Reach
  readonly #clock: Clock
  /** By service key, then by node. */
  readonly #watches = new Map<string, Map<string, Watch>>()

  constructor(reach: Reach, clock: Clock) {
    this.#reach = reach
    this.#clock = clock
  }

  /** Watches the nearest holders, and those that were before no more. Renews what is about to end. */
  keep(key: Uint8Array, holders: readonly Contact[]): void {
    const hex = toHex(key)
    const watches = this.#watches.get(hex) ?? new Map<string, Watch>()
    this.#watches.set(hex, watches)
    const nearest = new Map(holders.slice(0, WATCHED).map((one) => [toHex(one.key), one]))
    for (const [name, { contact }] of watches) {
      if (nearest.has(name)) continue
      watches.delete(name)
      void this.#ask(contact, key, 0)
    }
    const now = this.#clock.now()
    for (const [name, contact] of nearest) {
      const known = watches.get(name)
      if (known && (known.at === undefined || now - known.at < (TTL / 2) * 1_000)) continue
      void this.#begin(watches, contact, key)
    }
  }

  /** Nobody uses the service any more. */
  end(key: Uint8Array): void {
    this.keep(key, [])
    this.#watches.delete(toHex(key))
  }

  /** Whether this peer was asked to tell of this key. */
  has(key: Uint8Array, peer: Peer): boolean {
    const watches = this.#watches.get(toHex(key))
    return peer.key !== undefined && watches?.has(toHex(peer.key)) === true
  }

  /** Whether this node was asked to tell of anything. */
  uses(key: Uint8Array): boolean {
    const hex = toHex(key)
    for (const watches of this.#watches.values()) if (watches.has(hex)) return true
    return false
  }

  /** A connection ended, and what was watched over it with it. */
  closed(key: Uint8Array): void {
    for (const watches of this.#watches.values()) watches.delete(toHex(key))
  }

  async #begin(watches: Map<string, Watch>, contact: Contact, key: Uint8Array): Promise<void> {
    const watch: Watch = { contact, at: undefined }
    const name = toHex(contact.key)
    watches.set(name, watch)
    const ttl = (await this.#ask(contact, key, TTL)) ?? 0
    if (watches.get(name) !== watch) return
    if (ttl > 0) watch.at = this.#clock.now() - Math.max(0, TTL - ttl) * 1_000
    else watches.delete(name)
  }

  async #ask(contact: Contact, key: Uint8Array, ttl: number): Promise<number | undefined> {
    const write = (writer: Writer): void => writeWatch(writer, { key, ttl })
    return await this.#reach.ask(contact, { opcode: WATCH, write }, readWatchAnswer)
  }
}
