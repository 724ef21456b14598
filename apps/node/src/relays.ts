import type { DialTarget, RecordAddress } from '@flatend/kademlia'
import type { Link } from '@flatend/monte'
import {
  type Circuits,
  createCircuits,
  type RelayLimits,
  type RelayMetrics,
  Reservations,
} from '@flatend/monte/relay'
import type { MeshPeer, Message } from './mesh-peer.ts'
import type { Clock } from './runtime.ts'

/** What {@link Relays} works with. */
export interface RelaysOptions {
  /** Our public key. */
  readonly self: Uint8Array
  readonly clock: Clock
  readonly defer: (task: () => void) => void
  /** Whether this node carries bytes of others. */
  readonly serve: boolean
  readonly limits: Partial<RelayLimits>
  /** Peers whose session is open. */
  readonly peers: () => Iterable<MeshPeer>
  readonly isSeed: (address: string) => boolean
  /** Connects to a relay. */
  readonly connect: (target: DialTarget, signal: AbortSignal) => Promise<MeshPeer>
  /** Somebody reached us through a relay. */
  readonly onLink: (link: Link) => void
  /** Where this node is reached, beside its own address, changed. */
  readonly onChange: (relays: readonly RecordAddress[]) => void
}

/** A node behind a relay. */
export interface RelayedTarget extends DialTarget {
  readonly key: Uint8Array
  readonly relay: Uint8Array
}

/** Circuits of a node, and the relays it is reached through where nobody can dial it. */
export class Relays {
  readonly #options: RelaysOptions
  readonly #circuits: Circuits
  readonly #reservations: Reservations

  constructor(options: RelaysOptions) {
    const { self, clock, defer, serve, limits, onLink, onChange } = options
    this.#options = options
    this.#circuits = createCircuits({ self, clock, defer, relay: serve, limits, onLink })
    this.#reservations = new Reservations({
      circuits: this.#circuits,
      clock,
      candidates: () => this.#candidates(),
      onChange: (relays) => onChange((relays as readonly MeshPeer[]).flatMap(addressOf)),
    })
  }

  get metrics(): RelayMetrics {
    return this.#circuits.metrics
  }

  /** Whether nobody can dial this node. */
  need(needed: boolean): void {
    this.#reservations.need(needed)
  }

  /** A link to a node behind a relay, which is connected first where it is not. */
  async link({ address, key, relay }: RelayedTarget, signal: AbortSignal): Promise<Link> {
    const through = this.#connected(relay) ?? (await this.#connect({ address, key: relay }, signal))
    return await this.#circuits.open(through, key, { signal })
  }

  /** Returns false where the message is not of relays. */
  receive(peer: MeshPeer, message: Message): boolean {
    return this.#circuits.receive(peer, message)
  }

  /** Whether a connection is needed for circuits, though no call of its own is under way. */
  uses(peer: MeshPeer): boolean {
    return this.#circuits.uses(peer)
  }

  /** A connection is to end: calls once circuits need it no more. */
  retiring(peer: MeshPeer, onFree: () => void): void {
    // Another to the same node may be asked; until that answers, this one is reached through still.
    this.#reservations.closed(peer)
    this.#circuits.whenFree(peer, onFree)
  }

  opened(peer: MeshPeer): void {
    if (!peer.relayed) this.#reservations.opened()
  }

  closed(peer: MeshPeer): void {
    this.#circuits.closed(peer)
    this.#reservations.closed(peer)
  }

  /** Gives back what is held, and opens nothing any more. */
  stop(): void {
    this.#reservations.need(false)
    this.#circuits.stop()
  }

  async #connect(target: DialTarget, signal: AbortSignal): Promise<MeshPeer> {
    const made = await this.#options.connect(target, signal)
    // Of two connections to one node the other may have been kept.
    return this.#connected(made.key) ?? made
  }

  #connected(key: Uint8Array | undefined): MeshPeer | undefined {
    for (const peer of this.#options.peers())
      if (peer.key && key && isRelay(peer) && Buffer.compare(peer.key, key) === 0) return peer
    return undefined
  }

  /** Who was dialed where it says can be dialed by others too; seeds come first. */
  #candidates(): readonly MeshPeer[] {
    const { peers, isSeed } = this.#options
    const dialed = Array.from(peers()).filter(
      (peer) => peer.dialed !== undefined && isRelay(peer) && addressOf(peer).length > 0,
    )
    const [seeds, others] = [
      dialed.filter((peer) => isSeed(peer.dialed ?? '')),
      dialed.filter((peer) => !isSeed(peer.dialed ?? '')),
    ]
    return [...seeds, ...others]
  }
}

function isRelay({ version, relayed, isRetired }: MeshPeer): boolean {
  return version === 2 && !relayed && !isRetired
}

function addressOf({ address, key }: MeshPeer): readonly RecordAddress[] {
  return address && key ? [{ address, relay: key }] : []
}
