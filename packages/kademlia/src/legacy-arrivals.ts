import type { Clock, Peer, Timer } from './ports.ts'

/**
 * Longest wait for a v1 peer to be ready, in milliseconds: a round trip to the other end of the
 * world, and as much again.
 */
const LONGEST_WAIT = 500

/**
 * v1 peers that came to us and cannot be called yet. The 2020 Go SDK says hello, forgets whom it said
 * it to, says hello again, and panics on a call in between; then it asks for nodes. The Node SDK asks
 * for nodes too, when it joins, and neither does after a reconnect (protocol §1).
 */
export class LegacyArrivals {
  readonly #clock: Pick<Clock, 'schedule'>
  readonly #onReady: (peer: Peer) => void
  readonly #waiting = new Map<Peer, Timer>()

  constructor(clock: Pick<Clock, 'schedule'>, onReady: (peer: Peer) => void) {
    this.#clock = clock
    this.#onReady = onReady
  }

  /** Whether a peer that connected is to be waited for. */
  add(peer: Peer): boolean {
    if (peer.version !== 1 || peer.dialed !== undefined) return false
    this.#waiting.set(
      peer,
      this.#clock.schedule(LONGEST_WAIT, () => this.ready(peer)),
    )
    return true
  }

  /** It can be called from now on; without effect where it could before. */
  ready(peer: Peer): void {
    if (this.delete(peer)) this.#onReady(peer)
  }

  /** It is gone. */
  delete(peer: Peer): boolean {
    this.#waiting.get(peer)?.cancel()
    return this.#waiting.delete(peer)
  }

  stop(): void {
    for (const peer of this.#waiting.keys()) this.delete(peer)
  }
}
