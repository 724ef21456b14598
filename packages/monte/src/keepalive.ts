/** When a silent peer is asked, and when it is dead, in milliseconds of silence. */
export interface KeepaliveProfile {
  readonly askAfter: number
  readonly deadAfter: number
  readonly maxPings: number
}

/**
 * Decides when a silent peer is asked whether it lives and when it is taken for dead (protocol §4).
 * A process that slept itself asks first: only pings that had their time count.
 */
export class Keepalive {
  #profile: KeepaliveProfile
  #heard: number
  #asked = 0
  #pings = 0

  constructor(profile: KeepaliveProfile, now: number) {
    this.#profile = profile
    this.#heard = now
  }

  /** Changes the times; takes effect from the next check on. */
  set profile(profile: KeepaliveProfile) {
    this.#profile = profile
  }

  /** The peer said something. */
  heard(now: number): void {
    this.#heard = now
    this.#pings = 0
  }

  /** When {@link Keepalive.check} has something to do. */
  get due(): number {
    const { askAfter, deadAfter, maxPings } = this.#profile
    return this.#pings === 0
      ? this.#heard + askAfter
      : this.#asked + (deadAfter - askAfter) / maxPings
  }

  /** What is to be done now. */
  check(now: number): 'wait' | 'ask' | 'dead' {
    if (now < this.due) return 'wait'
    if (this.#pings >= this.#profile.maxPings) return 'dead'
    this.#pings++
    this.#asked = now
    return 'ask'
  }
}
