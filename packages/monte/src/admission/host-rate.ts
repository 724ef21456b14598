/** What {@link HostRate} keeps to. */
export interface HostRateOptions {
  /** Tokens that come back each second. */
  readonly perSecond: number
  /** Tokens there are at most. */
  readonly burst: number
  /** Hosts in one generation. */
  readonly maxHosts: number
}

interface Bucket {
  tokens: number
  /** When `tokens` was right. */
  at: number
}

/**
 * A token bucket for each host, in two generations: a bucket nobody touched for as long as it takes
 * to fill is full, so forgetting it changes nothing, and a whole generation is dropped at once
 * instead of looking at each. A generation that is full is dropped early: memory has a bound, who
 * has that many addresses has as many buckets anyway.
 */
export class HostRate {
  readonly #options: HostRateOptions
  readonly #fillMs: number
  #young = new Map<string, Bucket>()
  #old = new Map<string, Bucket>()
  #bornAt: number

  constructor(options: HostRateOptions, now: number) {
    this.#options = options
    this.#fillMs = (options.burst / options.perSecond) * 1_000
    this.#bornAt = now
  }

  /** Hosts remembered. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Takes one token of a host. @returns false where there is none */
  take(host: string, now: number): boolean {
    this.#turn(now)
    const { perSecond, burst } = this.#options
    const bucket = this.#bucket(host, now)
    const refilled = bucket.tokens + ((now - bucket.at) / 1_000) * perSecond
    bucket.tokens = Math.min(burst, refilled)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  #bucket(host: string, now: number): Bucket {
    const known = this.#young.get(host)
    if (known) return known
    const bucket = this.#old.get(host) ?? { tokens: this.#options.burst, at: now }
    this.#old.delete(host)
    if (this.#young.size >= this.#options.maxHosts) this.#next(now)
    this.#young.set(host, bucket)
    return bucket
  }

  #turn(now: number): void {
    if (now - this.#bornAt < this.#fillMs) return
    // Both are older than that: everything in them is full again.
    if (now - this.#bornAt >= 2 * this.#fillMs) this.#young.clear()
    this.#next(now)
  }

  #next(now: number): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#bornAt = now
  }
}
