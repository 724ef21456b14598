import type { Discovery } from '@flatend/kademlia'
import { formatAddress } from './address.ts'
import type { CachedPeer, PeerCache } from './peer-cache.ts'
import { PeerId } from './peer-id.ts'
import type { Clock, Timer } from './runtime.ts'

/** Nodes that are kept (discovery §1). */
const MAX_KEPT = 200
/** Who was not seen for so long is forgotten, in milliseconds: 30 days. */
const FORGET = 30 * 24 * 3_600_000
/** So many connected are enough: they name the others. */
const ENOUGH = 8
/** From the start to the first look at who is there, and from one to the next, in milliseconds. */
const FIRST = 5_000
const EVERY = 60_000

/** What {@link PeerMemory} works with. */
export interface PeerMemoryContext {
  readonly cache: PeerCache
  readonly discovery: Pick<Discovery, 'suggest' | 'table'>
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly wallNow: () => number
  /** Nodes connected at the moment. */
  readonly connected: () => number
}

/** Whom a node knew, kept for its next start and for when it is alone. */
export class PeerMemory {
  readonly #context: PeerMemoryContext
  #known: readonly CachedPeer[] = []
  #written = ''
  #timer: Timer | undefined
  #stopped = false

  constructor(context: PeerMemoryContext) {
    this.#context = context
  }

  /** Reads the cache and suggests whom it names; call it before discovery starts. */
  async start(): Promise<void> {
    const { cache, wallNow } = this.#context
    const oldest = wallNow() - FORGET
    const loaded = await cache.load()
    this.#known = loaded
      .filter(({ seen }) => seen >= oldest)
      .toSorted((a, b) => b.seen - a.seen)
      .slice(0, MAX_KEPT)
    this.#suggest()
    this.#schedule(FIRST)
  }

  /** Keeps who is known now; call it before discovery stops and forgets. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    await this.#save()
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = this.#context.clock.schedule(delayMs, () => {
      if (this.#context.connected() === 0) this.#suggest()
      void this.#save()
      this.#schedule(EVERY)
    })
  }

  #suggest(): void {
    const targets = this.#known.map(({ key, address }) => ({
      key,
      address: formatAddress(address),
    }))
    this.#context.discovery.suggest(targets, { enough: ENOUGH })
  }

  /** Who is known now comes first; those of before stay where there is room, since they may come back. */
  async #save(): Promise<void> {
    const { cache, discovery, wallNow } = this.#context
    const seen = wallNow()
    const now = discovery.table.contacts().map(({ key, address }) => ({ key, address, seen }))
    const peers = new Map<string, CachedPeer>()
    for (const peer of [...now, ...this.#known]) {
      const name = new PeerId(peer.key).toString()
      if (peers.size < MAX_KEPT && !peers.has(name)) peers.set(name, peer)
    }
    this.#known = [...peers.values()]
    // Nothing changed: a disk is not worn out for the time alone, until that is a day old.
    const day = Math.floor(seen / 86_400_000)
    const written = `${day} ${this.#known
      .map((one) => `${new PeerId(one.key).toString()} ${formatAddress(one.address)}`)
      .toSorted()
      .join()}`
    if (this.#known.length === 0 || written === this.#written) return
    this.#written = written
    await cache.save(this.#known)
  }
}
